// Why: what the general probes ask, ready to be asked: expressions are compiled and pointers parsed
// once, when the configuration is read, because a look comes every few seconds.
#pragma once

#include "config/config.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace re2 {
class RE2;
}

namespace leverd::config {

// A regular expression in RE2's syntax, found anywhere in a text.
class Pattern {
  public:
    // nullopt and the library's own words when it is none.
    static std::optional<Pattern> compile(const std::string& text, std::string& problem);
    bool found_in(std::string_view text) const;
    const std::string& text() const { return text_; }

  private:
    std::string text_;
    std::shared_ptr<const re2::RE2> compiled_;
};

enum class Comparison {
    less,
    less_equal,
    equal,
    not_equal,
    greater_equal,
    greater,
    exists,
    absent
};

// "/queue/depth < 100": what the value at a JSON pointer must be. The order is only for numbers.
struct JsonCondition {
    std::string text;
    nlohmann::json::json_pointer at;
    Comparison comparison = Comparison::exists;
    nlohmann::json value;
};
std::optional<JsonCondition> parse_json_condition(const std::string& text, std::string& problem);

// "> 0.05"
struct NumberCondition {
    std::string text;
    Comparison comparison = Comparison::greater;
    double value = 0;
};
std::optional<NumberCondition> parse_number_condition(const std::string& text);
bool holds(Comparison comparison, double left, double right);

struct StatusRange {
    int first = 200;
    int last = 299;
};

struct HeaderRule {
    std::string name;  // lower case
    Pattern pattern;   // an empty one: the header is there
};

// At most one of the two ways; the values are names in [secrets].
struct Login {
    std::string bearer;
    std::string user;
    std::string password;
};

struct Limits {
    std::optional<Millis> degraded_over;
    std::optional<Millis> failing_over;
};

struct HttpCheck {
    std::string url;
    std::string method = "GET";
    std::vector<std::pair<std::string, std::string>> headers;
    Login login;
    std::vector<StatusRange> statuses;  // empty: 200 to 299
    std::vector<HeaderRule> require_headers;
    std::optional<Pattern> body;
    std::optional<Pattern> body_not;
    std::vector<JsonCondition> json;
    int body_kib = 1024;
    bool fresh_connection = false;
    Limits limits;
};

struct Address {
    std::string host;
    std::uint16_t port = 0;
};

struct TlsCheck {
    Address address;
    std::string server_name;  // what the certificate must be for
    int warn_days = 21;
    int fail_days = 7;
};

struct TcpCheck {
    Address address;
    bool tls = false;
    std::string send;
    std::optional<Pattern> expect;
    Limits limits;
};

struct DnsCheck {
    std::string host;
    std::string type = "A";
    std::vector<std::string> answers;  // each must be among the records
    bool only = false;                 // and nothing else
    bool absent = false;               // the name must not exist
    std::string nameserver;            // empty: those of [net]
};

struct PromqlCheck {
    std::string url;  // of Prometheus, without /api
    std::string query;
    Login login;
    std::optional<NumberCondition> degraded;
    std::optional<NumberCondition> failing;
};

struct HeartbeatCheck {
    Millis deadline{0};
};

struct CommandCheck {
    std::vector<std::string> argv;
    std::map<std::string, std::string> environment;
    std::string directory = "/";
    std::vector<int> healthy{0};
    std::vector<int> degraded{1};
    std::vector<int> failing{2};
};

// One read that needs the credential; how old it may be, and what else it must be good for.
struct CredentialCheck {
    std::string url;
    Login login;
    std::string header;               // carries the bearer's secret instead of Authorization
    std::string graphql;              // a query that is posted; empty: a GET
    std::vector<std::string> also;    // further GETs that must be accepted
    std::optional<WallTime> rotated;  // by the operator's word; else the secret's file tells
    Millis max_age{0};                // 0: any age
};

struct Check {
    std::variant<HttpCheck, TlsCheck, TcpCheck, DnsCheck, PromqlCheck, HeartbeatCheck, CommandCheck,
                 CredentialCheck>
        what;
};

}  // namespace leverd::config
