// Why: a page that answers 200 is a blank screen when one of its scripts does not load. This finds
// the scripts a page asks for, without running anything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace leverd::probes {

// Absolute URLs of <script src=...> in the order of the page, each once, only those of the page's
// own origin, at most `most`.
std::vector<std::string> script_links(const std::string& page_url, std::string_view html,
                                      std::size_t most);

}  // namespace leverd::probes
