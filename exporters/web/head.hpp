// Why: where one request ends and the next begins is decided by a few header lines, and two readers
// that disagree about them let one request hide in another. So the raw head is held to the letter
// of RFC 9112 before a parser sees it; whatever could be read in two ways is refused.
#pragma once

#include "exporters/web/http.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace leverd::exporters::web {

// `head`: from the first byte to the empty line, which ends it. The refusal to send, after which
// the connection has to be closed; nullopt when a parser may have it.
std::optional<Response> head_problem(std::string_view head);

}  // namespace leverd::exporters::web
