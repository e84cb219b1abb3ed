// Why: handlers see a small request and answer with a small response, so that every route can be
// tested without a socket and Beast stays in one file.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leverd::exporters::web {

using Query = std::map<std::string, std::string>;

struct Request {
    std::string method;
    std::string target;                          // origin form, still percent-encoded
    std::map<std::string, std::string> headers;  // names in lower case; repeated ones joined ", "
    std::string body;

    // The header's value, or empty.
    const std::string& header(const std::string& lower_case_name) const;
};

struct Response {
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    bool stream = false;  // the server keeps the connection and sends events
};

// "/api/v1/x" and the decoded query of a target; nullopt when the encoding is broken.
struct Target {
    std::string path;  // not decoded: a decoded '/' would change what the route sees
    Query query;
};
std::optional<Target> parse_target(std::string_view target);
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);
std::string percent_encode(std::string_view text);

Response json_response(int status, const nlohmann::json& body);
// {"error": what, "hint": the next step}
Response error_response(int status, std::string_view what, std::string_view hint);

}  // namespace leverd::exporters::web
