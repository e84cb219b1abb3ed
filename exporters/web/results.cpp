// Why: "and the looks before that?" What leverd last saw, look by look, with phases and evidence.
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "exporters/web/router.hpp"
#include "exporters/web/views.hpp"

#include <algorithm>

namespace leverd::exporters::web {
namespace {

constexpr std::size_t limit_usual = 50;
constexpr std::size_t limit_most = 500;

Json headers_json(const std::vector<std::pair<std::string, std::string>>& headers) {
    Json out = Json::array();
    for (const auto& [name, value] : headers) {
        out.push_back(name + ": " + value);
    }
    return out;
}

}  // namespace

Json exchange_json(const Exchange& exchange) {
    Json out = Json::object();
    out["method"] = exchange.method;
    out["url"] = exchange.url;
    out["status"] = exchange.status;
    out["failure"] = exchange.failure;
    out["login"] = exchange.login;
    out["bytes"] = exchange.bytes;
    out["sha256"] = exchange.sha256;
    out["body"] = exchange.body;
    out["sent"] = headers_json(exchange.sent);
    out["headers"] = headers_json(exchange.headers);
    Json phases = Json::object();
    phases["dns"] = exchange.phases.dns.count();
    phases["connect"] = exchange.phases.connect.count();
    phases["tls"] = exchange.phases.tls.count();
    phases["header"] = exchange.phases.header.count();
    phases["body"] = exchange.phases.body.count();
    out["phases"] = std::move(phases);
    return out;
}

Response get_probes(const Call& call) {
    Json rows = Json::array();
    for (const config::ProbeSettings& probe : call.backend->probe_settings()) {
        Json row = Json::object();
        row["probe"] = probe.called();
        row["kind"] = probe.kind;
        row["interval"] = format_duration(probe.interval);
        row["retry"] = format_duration(probe.retry);
        row["timeout"] = format_duration(probe.timeout);
        rows.push_back(std::move(row));
    }
    Json out = Json::object();
    out["probes"] = std::move(rows);
    return json_response(200, out);
}

Response get_results(const Call& call) {
    const auto settings = call.backend->probe_settings();
    const bool runs =
        std::any_of(settings.begin(), settings.end(),
                    [&call](const config::ProbeSettings& p) { return p.called() == call.capture; });
    if (!runs) {
        return error_response(404, "no probe '" + sanitize(call.capture, 64) + "' runs",
                              "GET /api/v1/probes lists those that do");
    }
    std::size_t limit = limit_usual;
    if (const auto asked = call.query.find("limit"); asked != call.query.end()) {
        const std::string& digits = asked->second;
        if (digits.empty() || digits.size() > 3 ||
            digits.find_first_not_of("0123456789") != std::string::npos) {
            return error_response(400, "'limit' must be a number from 1 to 500",
                                  "leave it out: 50");
        }
        limit = std::clamp<std::size_t>(std::stoul(digits), 1, limit_most);
    }
    const auto subject = call.query.find("subject");
    const Subject about(subject == call.query.end() ? std::string{} : subject->second);
    Json rows = Json::array();
    for (const auto& [look, answer] : call.backend->results(call.capture, about, limit)) {
        Json row = to_json(look);
        row["seen"] = time_json(look.seen);
        row["reason_text"] = describe(look.reason).text;
        row["class"] = layer_name(describe(look.reason).layer);
        if (answer) {
            row["answer"] = exchange_json(*answer);
        }
        rows.push_back(std::move(row));
    }
    Json out = Json::object();
    out["probe"] = call.capture;
    out["results"] = std::move(rows);
    return json_response(200, out);
}

}  // namespace leverd::exporters::web
