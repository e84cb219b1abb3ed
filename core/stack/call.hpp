// Why: probes and levers speak to the same interfaces and must judge an answer the same way. One
// call gives either a usable value or one Problem that says in which words it is to be reported.
#pragma once

#include "core/base/result.hpp"
#include "core/model/observation.hpp"
#include "core/net/http.hpp"

#include <nlohmann/json_fwd.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace leverd::stack {

// Why an answer cannot be used. `detail` is one sanitized line of at most 1 KiB that names the call
// ("GET https://acme.example/health: 502 in 31 ms; body \"...\""); it never carries a credential.
struct Problem {
    Reason reason = Reason::connect_failed;
    Origin origin = Origin::target;
    int status = 0;         // 0: no whole answer arrived
    int heard = 0;          // the status of an answer that went wrong behind it; 0: none
    bool sent = false;      // the request may have reached the target: a mutation is then ambiguous
    bool exact = false;     // the target said itself that the thing does not exist (1.4, 2.3)
    Millis retry_after{0};  // what a 429 or 503 asks for; 0: it does not say
    std::string detail;
    Phases phases;
};

template <class T>
using Read = boost::system::result<T, Problem>;

// Says "this is the value" where the compiler could also take it for the first member of an error.
template <class T>
Read<T> good(T value) {
    return Read<T>(boost::system::in_place_value, std::move(value));
}

Millis total(const Phases& phases);

// "https://host" + "/path" with exactly one '/' between them.
std::string join_url(std::string_view base, std::string_view path);

// Replaces every "{name}" in the template. The caller has validated `value`.
std::string expand(std::string_view path_template, std::string_view name, std::string_view value);

// "GET https://acme.example/health: 502 in 31 ms; body \"...\"". The body and the URL are
// redacted: no secret that leverd ever held stands in them, in whatever coat it was echoed.
std::string describe_answer(const net::HttpRequest& request, const net::HttpResponse& response);
// The same without the body, for answers that hold secrets or user text.
std::string describe_without_body(const net::HttpRequest& request,
                                  const net::HttpResponse& response);

Problem problem_of(const net::HttpRequest& request, const net::HttpFailure& failure);
// For a status that is not the expected one: 401 unauthorized, 403 forbidden, 429 rate_limited,
// 5xx http_5xx, 404 with an empty body guard_not_found (2.1), other 404 not_found, 3xx
// http_redirect, other 4xx http_4xx, anything else wrong_body.
Problem problem_of(const net::HttpRequest& request, const net::HttpResponse& response);
Problem problem_of(const net::HttpRequest& request, const net::HttpResponse& response,
                   Reason reason);
Reason reason_of_status(const net::HttpResponse& response);
// Retry-After in whole seconds, at most an hour; 0 when there is none or it is a date.
Millis retry_after(const net::HttpResponse& response);
// A fault on our side: no call was made.
Problem local_problem(Reason reason, std::string detail);

// For levers: the same words as an Error.
Error to_error(const Problem& problem);

// True for application/json and application/*+json, with or without parameters.
bool is_json(const net::HttpResponse& response);

// The coding that hides the body from us though we asked for none ("gzip"); empty: it can be read.
std::string coding_of(const net::HttpResponse& response);

// The body of a 200 application/json answer as JSON; else http_*, wrong_content_type, bad_json, or
// bad_protocol for one that is coded.
Read<nlohmann::json> json_of(const net::HttpRequest& request, const net::HttpResponse& response);

// One request; a transport failure becomes a Problem, every status is an answer.
boost::asio::awaitable<Read<net::HttpResponse>> call(net::HttpTransport* http,
                                                     net::HttpRequest request,
                                                     net::Deadline deadline);

// Typed reads of untrusted JSON; a missing member or another type gives the fallback.
std::string text_at(const nlohmann::json& object, const char* key);
double number_at(const nlohmann::json& object, const char* key, double fallback);

// ASCII letters folded; for words that remote sides spell as they like.
std::string lower_case(std::string_view text);

// Visible ASCII without spaces: what a token from outside must be before it enters a header.
bool is_header_text(std::string_view text);

}  // namespace leverd::stack
