// Why: a page whose files all load may still throw when it runs, and then its users see nothing.
// Only a browser can tell.
#pragma once

#include "probes/common.hpp"

#include <optional>
#include <string>

namespace leverd::probes {

// What the output of a headless Chromium says of the page: the words of an exception that nobody
// caught, thrown by a script of the page's own origin, or of the error page that the framework
// shows instead. nullopt: none. A rejected promise is no crash.
std::optional<std::string> client_exception(const std::string& dom, const std::string& log,
                                            const std::string& url);

// Loads the page in a process group of its own, killed as a whole at the deadline. nullopt: it
// loads; else failing client_exception, or unknown where the browser could not tell.
boost::asio::awaitable<std::optional<Observation>> load_in_browser(Context& context, Task task,
                                                                   net::Deadline deadline);

}  // namespace leverd::probes
