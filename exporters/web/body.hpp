// Why: every change that a person asks for arrives as a small JSON object, read and refused in one
// way.
#pragma once

#include "exporters/web/http.hpp"
#include "exporters/web/views.hpp"

#include <boost/system/result.hpp>

#include <optional>
#include <string>
#include <vector>

namespace leverd::exporters::web {

// The JSON object of the body; an empty body is an empty object.
boost::system::result<Json, Response> body_object(const Request& request);
// The text at `key`, cleaned and cut; empty when it is not there.
std::string text_in(const Json& object, const char* key, std::size_t limit);
// A key with a slip of the pen would silently be left out, and a hold without its end lasts for
// ever.
std::optional<Response> odd_key(const Json& object, const std::vector<std::string>& known);

}  // namespace leverd::exporters::web
