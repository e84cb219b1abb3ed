// Why: the hosts of the played stack speak in these plain structs; only server.cpp knows sockets.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sandbox {

using json = nlohmann::json;
struct Audience;

struct Request {
    std::string method;
    std::string target;  // path and query as sent
    std::string path;
    std::map<std::string, std::string> query;    // decoded; the last of equal keys wins
    std::map<std::string, std::string> headers;  // names in lower case
    std::string host;                            // without port, lower case
    std::string host_header;                     // as sent
    std::string body;

    const std::string& header(const std::string& name) const;  // empty when absent
    std::string bearer() const;  // the token of "Authorization: Bearer", else empty
};

// How the bytes of a reply travel. Everything but `normal` is a way in which real stacks hurt.
enum class Wire {
    normal,
    cut,           // the connection ends without a byte: a lost reply
    hang,          // silence until the client goes away
    cut_header,    // ends inside the header
    cut_body,      // ends inside the body
    slow_header,   // one byte each 100 ms
    slow_body,     // whole header, then one byte each 100 ms
    endless_body,  // a chunked body that never ends
    huge_header,   // one header line of a mebibyte
};

struct Reply {
    int status = 200;
    std::string content_type = "application/json; charset=utf-8";
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    Wire wire = Wire::normal;
    int delay_ms = 0;
    bool close = false;
    std::shared_ptr<Audience> audience;  // with 101: who listens from now on
    std::string effect;  // what the call changed in the world, for the journal; empty: nothing
};

Reply json_reply(int status, const json& body);
Reply error_reply(int status, std::string_view message);  // {"error": message}
Reply text_reply(int status, std::string body, std::string content_type = "text/plain");
Reply html_reply(int status, std::string body);
Reply wire_reply(Wire wire);

// Splits target into path and query. Never fails; odd escapes stay as they are.
void split_target(Request& request);

// "a/b/c" -> {"a","b","c"}; empty parts are kept out.
std::vector<std::string> path_parts(std::string_view path);

// A whole number from the query, or `fallback` when absent or not one.
std::int64_t query_number(const Request& request, const std::string& key, std::int64_t fallback);

// Never throws; a value of type discarded on bad input.
json parse(std::string_view text);
std::string dump(const json& value);
// The string at `key`, or `fallback` when absent or of another type.
std::string text_of(const json& object, const std::string& key, std::string fallback = {});
bool flag_of(const json& object, const std::string& key, bool fallback);

const char* reason_phrase(int status);

}  // namespace sandbox
