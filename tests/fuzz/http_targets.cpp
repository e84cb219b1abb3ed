// Why: the answers of any host pass through these first, before anything is known about them.
#include "core/net/response_reader.hpp"
#include "core/stack/registry.hpp"
#include "exporters/web/http.hpp"
#include "tests/fuzz/parts.hpp"

#include <boost/url/parse.hpp>

#include <cstring>

namespace leverd::fuzz {
namespace {

constexpr std::size_t header_limit = 1024;
constexpr std::size_t body_limit = 4096;

struct Outcome {
    bool fault = false;
    bool done = false;
    bool reusable = false;
    net::HttpResponse response;
};

Outcome feed(std::string_view bytes, std::size_t piece, bool head) {
    net::ResponseReader reader(head, header_limit, body_limit);
    Outcome outcome;
    for (std::size_t at = 0; at < bytes.size() && !reader.done();) {
        const auto room = reader.room();
        require(room.size() > 0, "a reader that is not done has room");
        const std::size_t n = std::min({piece, bytes.size() - at, room.size()});
        std::memcpy(room.data(), bytes.data() + at, n);
        at += n;
        if (reader.took(n)) {
            outcome.fault = true;
            return outcome;
        }
    }
    if (!reader.done()) {
        outcome.fault = reader.end().has_value();
    }
    outcome.done = reader.done();
    if (!outcome.fault && outcome.done) {
        outcome.response = reader.take();
    }
    return outcome;
}

// The first byte says how the rest is cut and whether it answers a HEAD.
void http_answer(std::string_view bytes) {
    if (bytes.empty()) {
        return;
    }
    const auto first = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    const bool head = (first & 1U) != 0;
    const Outcome whole = feed(bytes, bytes.size() + 1, head);
    const Outcome cut = feed(bytes, 1U + first / 2U, head);
    require(whole.response.body.size() <= body_limit, "no body beyond its limit");
    require(!head || whole.response.body.empty(), "the answer to a HEAD has no body");
    for (const auto& [name, value] : whole.response.headers) {
        for (const char c : name) {
            require(c < 'A' || c > 'Z', "header names are in lower case");
        }
    }
    require(whole.fault == cut.fault && whole.done == cut.done, "cutting changes no verdict");
    require(whole.response.status == cut.response.status, "cutting changes no status");
    require(whole.response.headers == cut.response.headers, "cutting changes no header");
    require(whole.response.body == cut.response.body, "cutting changes no body");
}

void www_authenticate(std::string_view bytes) {
    const auto challenge = stack::parse_challenge(bytes);
    if (!challenge || challenge->basic) {
        return;
    }
    stack::RegistryAccess access;
    access.url = "https://registry.example";
    const auto realm = stack::check_realm(access, challenge->realm);
    if (realm.has_value()) {
        const auto url = boost::urls::parse_uri(*realm);
        require(url.has_value() && url->scheme_id() == boost::urls::scheme::https,
                "a password goes over TLS only");
        require(url->host_type() == boost::urls::host_type::name && url->host() != "localhost",
                "a registry cannot point the password at an address of ours");
    }
}

void request_target(std::string_view bytes) {
    const auto target = exporters::web::parse_target(bytes);
    if (target) {
        require(target->path.starts_with("/"), "a path starts with /");
    }
    const auto decoded = exporters::web::percent_decode(bytes, false);
    if (decoded) {
        const auto again =
            exporters::web::percent_decode(exporters::web::percent_encode(*decoded), false);
        require(again && *again == *decoded, "encoding loses nothing");
    }
}

}  // namespace

std::vector<Target> http_targets() {
    return {{"http_answer", http_answer},
            {"www_authenticate", www_authenticate},
            {"request_target", request_target}};
}

}  // namespace leverd::fuzz
