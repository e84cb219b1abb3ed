// Why: see cli_verbs.hpp.
#include "daemon/cli_verbs.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "daemon/cli_client.hpp"
#include "daemon/cli_tables.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace leverd::cli {
namespace {

using nlohmann::json;

Report failed(Exit code, const Error& error) {
    Report out;
    out.code = code;
    out.err = fmt::format("leverd: {}\n", error.what);
    if (!error.hint.empty()) {
        out.err += fmt::format("  next: {}\n", error.hint);
    }
    return out;
}

// What a refusal of the API means to the caller's script.
Exit exit_for(int http_status) {
    switch (http_status) {
        case 401:
        case 403:
        case 409:
            return Exit::refused;
        case 400:
            return Exit::usage;
        default:
            return Exit::failed;
    }
}

struct Fetched {
    std::string raw;
    json body;
};

boost::system::result<Fetched, Report> fetch(const CliOptions& options, const std::string& method,
                                             const std::string& target, const std::string& body) {
    auto answer = call_daemon(options.socket, method, target, body);
    if (answer.has_error()) {
        return failed(answer.error().code, answer.error().error);
    }
    auto parsed = parse_json(answer->body);
    if (parsed.has_error()) {
        return failed(method == "GET" ? Exit::failed : Exit::unknown,
                      Error{"leverd answered with something that is not JSON",
                            "is another program listening on " + options.socket + "?"});
    }
    if (answer->status != 200) {
        return failed(exit_for(answer->status),
                      Error{text_at(*parsed, "error"), text_at(*parsed, "hint")});
    }
    return Fetched{std::move(answer->body), std::move(*parsed)};
}

template <class Render>
Report show(const CliOptions& options, const std::string& target, Render render) {
    auto fetched = fetch(options, "GET", target, "");
    if (fetched.has_error()) {
        return fetched.error();
    }
    Report out;
    out.out = options.json ? fetched->raw : render(fetched->body);
    return out;
}

// One path or query segment.
std::string encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        out += plain ? std::string(1, c)
                     : fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
    return out;
}

Report needs_reason(const std::string& verb) {
    return failed(Exit::usage, Error{verb + " needs a reason, for whoever reads the ledger later",
                                     "add --why \"...\""});
}

std::string stopped_words(const std::string& until) {
    return until.empty() ? "stopped: no lever fires until 'leverd resume'\n"
                         : "stopped: no lever fires until " + until + " or 'leverd resume'\n";
}

int print(const Report& report) {
    std::fwrite(report.out.data(), 1, report.out.size(), stdout);
    std::fflush(stdout);
    std::fwrite(report.err.data(), 1, report.err.size(), stderr);
    return static_cast<int>(report.code);
}

}  // namespace

bool wants_color() {
    const char* no_color = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    const bool refused = (no_color != nullptr && *no_color != '\0') ||
                         (term != nullptr && std::string_view(term) == "dumb");
    return !refused && ::isatty(STDOUT_FILENO) == 1;
}

Report status(const CliOptions& options) {
    return show(options, "/api/v1/status",
                [&options](const json& body) { return status_text(body, options.color); });
}

Report incidents(const CliOptions& options, bool open_only) {
    return show(options, open_only ? "/api/v1/incidents?open=1" : "/api/v1/incidents",
                [&options](const json& body) { return incidents_text(body, options.color); });
}

Report subjects(const CliOptions& options, const std::string& kind, bool bad_only) {
    std::string target = "/api/v1/subjects";
    target += kind.empty() ? "" : "?kind=" + encoded(kind);
    target += bad_only ? (kind.empty() ? "?bad=1" : "&bad=1") : "";
    return show(options, target, [&options, bad_only](const json& body) {
        return subjects_text(body, bad_only, options.color);
    });
}

Report why(const CliOptions& options, const std::string& subject) {
    return show(options, "/api/v1/why?subject=" + encoded(subject),
                [&options](const json& body) { return why_text(body, options.color); });
}

Report incident_summary(const CliOptions& options, const std::string& incident) {
    return show(options, "/api/v1/incidents/" + encoded(incident),
                [](const json& body) { return summary_text(body); });
}

Report answer_decision(const CliOptions& options, const std::string& decision, bool approve,
                       const std::string& reason) {
    const std::string verb = approve ? "approve" : "reject";
    if (reason.empty()) {
        return needs_reason(verb);
    }
    const std::string target = "/api/v1/decisions/" + encoded(decision);
    const auto seen = fetch(options, "GET", target, "");
    if (seen.has_error()) {
        return seen.error();
    }
    json body = json::object();
    body["hash"] = text_at(seen->body, "hash");
    body["why"] = reason;
    const auto done = fetch(options, "POST", target + "/" + verb, dump(body));
    if (done.has_error()) {
        return done.error();
    }
    Report out;
    out.out = options.json ? done->raw
                           : fmt::format("{} {} as {}\n{}", approve ? "approved" : "rejected",
                                         sanitize(decision, 60), text_at(done->body, "who"),
                                         decision_text(seen->body, options.color));
    return out;
}

Report set_stop(const CliOptions& options, bool stopped, const std::string& reason,
                const std::string& lasts) {
    if (reason.empty()) {
        return needs_reason(stopped ? "stop" : "resume");
    }
    json body = json::object();
    body["stopped"] = stopped;
    body["why"] = reason;
    if (!lasts.empty()) {
        body["for"] = lasts;
    }
    const auto done = fetch(options, "POST", "/api/v1/stop", dump(body));
    if (done.has_error()) {
        return done.error();
    }
    Report out;
    out.out = options.json ? done->raw
              : stopped    ? stopped_words(moment(done->body, "until"))
                           : std::string("resumed: levers may fire again where a policy allows\n");
    return out;
}

Report veto(const CliOptions& options, const VetoWanted& wanted) {
    if (wanted.why.empty()) {
        return needs_reason("veto");
    }
    if (wanted.lasts.empty()) {
        return failed(Exit::usage, Error{"veto needs an end, so that nobody has to remember it",
                                         "add --for 2h, or --for forever"});
    }
    json body = json::object();
    body["subjects"] = wanted.subjects;
    body["for"] = wanted.lasts;
    body["why"] = wanted.why;
    if (!wanted.lever.empty()) {
        body["lever"] = wanted.lever;
    }
    if (wanted.mute) {
        body["mute"] = true;
    }
    const auto done = fetch(options, "POST", "/api/v1/vetoes", dump(body));
    if (done.has_error()) {
        return done.error();
    }
    Report out;
    out.out = options.json ? done->raw : veto_text(done->body);
    return out;
}

Report vetoes(const CliOptions& options) {
    return show(options, "/api/v1/vetoes", [](const json& body) { return vetoes_text(body); });
}

Report unveto(const CliOptions& options, const std::string& id, const std::string& reason) {
    if (reason.empty()) {
        return needs_reason("unveto");
    }
    json body = json::object();
    body["why"] = reason;
    const auto done = fetch(options, "DELETE", "/api/v1/vetoes/" + encoded(id), dump(body));
    if (done.has_error()) {
        return done.error();
    }
    Report out;
    out.out = options.json ? done->raw
                           : fmt::format(
                                 "lifted {} as {}: levers may fire again where a policy "
                                 "allows\n",
                                 sanitize(id, 60), text_at(done->body, "who"));
    return out;
}

Report acknowledge(const CliOptions& options, const std::string& incident,
                   const std::string& reason) {
    if (reason.empty()) {
        return needs_reason("ack");
    }
    json body = json::object();
    body["why"] = reason;
    const auto done = fetch(options, "POST",
                            "/api/v1/incidents/" + encoded(incident) + "/acknowledge", dump(body));
    if (done.has_error()) {
        return done.error();
    }
    Report out;
    out.out = options.json ? done->raw
                           : fmt::format("acknowledged {} as {}: the case may end now\n",
                                         sanitize(incident, 60), text_at(done->body, "who"));
    return out;
}

Report test_page(const CliOptions& options, const std::string& sink) {
    const auto done = fetch(options, "POST", "/api/v1/sinks/" + encoded(sink) + "/test", "");
    if (done.has_error()) {
        return done.error();
    }
    Report out;
    out.out = options.json
                  ? done->raw
                  : fmt::format("{}: {}\n", sanitize(sink, 60), text_at(done->body, "answer"));
    return out;
}

Report autonomy(const CliOptions& options) {
    return show(options, "/api/v1/policies",
                [&options](const json& body) { return autonomy_text(body, options.color); });
}

Report probe(const CliOptions& options, const std::string& kind, const std::string& target,
             bool debug) {
    json body = json::object();
    body["target"] = target;
    if (debug) {
        body["debug"] = true;
    }
    const auto done =
        fetch(options, "POST", "/api/v1/probes/" + encoded(kind) + "/run", dump(body));
    if (done.has_error()) {
        return done.error();
    }
    Report out;
    for (const json& look : member(done->body, "observations")) {
        if (text_at(look, "health") != "healthy") {
            out.code = Exit::failed;
        }
    }
    out.out = options.json ? done->raw : looks_text(done->body, options.color);
    if (debug && !options.json) {
        out.out += requests_text(done->body);
    }
    return out;
}

int run_status(const CliOptions& options) {
    return print(status(options));
}
int run_incidents(const CliOptions& options, bool open_only) {
    return print(incidents(options, open_only));
}
int run_subjects(const CliOptions& options, const std::string& kind, bool bad_only) {
    return print(subjects(options, kind, bad_only));
}
int run_why(const CliOptions& options, const std::string& subject) {
    return print(why(options, subject));
}
int run_approve(const CliOptions& options, const std::string& decision, const std::string& reason) {
    return print(answer_decision(options, decision, true, reason));
}
int run_reject(const CliOptions& options, const std::string& decision, const std::string& reason) {
    return print(answer_decision(options, decision, false, reason));
}
int run_stop(const CliOptions& options, const std::string& reason, const std::string& lasts) {
    return print(set_stop(options, true, reason, lasts));
}
int run_veto(const CliOptions& options, const VetoWanted& wanted) {
    return print(veto(options, wanted));
}
int run_vetoes(const CliOptions& options) {
    return print(vetoes(options));
}
int run_unveto(const CliOptions& options, const std::string& id, const std::string& reason) {
    return print(unveto(options, id, reason));
}
int run_acknowledge(const CliOptions& options, const std::string& incident,
                    const std::string& reason) {
    return print(acknowledge(options, incident, reason));
}
int run_test_page(const CliOptions& options, const std::string& sink) {
    return print(test_page(options, sink));
}
int run_autonomy(const CliOptions& options) {
    return print(autonomy(options));
}
int run_resume(const CliOptions& options, const std::string& reason) {
    return print(set_stop(options, false, reason));
}
int run_reload(const CliOptions& options) {
    return print(reload(options));
}
int run_probe(const CliOptions& options, const std::string& kind, const std::string& target,
              bool debug) {
    return print(probe(options, kind, target, debug));
}
int run_incident_summary(const CliOptions& options, const std::string& incident) {
    return print(incident_summary(options, incident));
}

}  // namespace leverd::cli
