// Why: see cli_fire.hpp.
#include "daemon/cli_fire.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "daemon/cli_client.hpp"
#include "daemon/cli_tables.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <nlohmann/json.hpp>

namespace leverd::cli {
namespace {

using nlohmann::json;

Report failed(Exit code, const std::string& what, const std::string& hint) {
    Report out;
    out.code = code;
    out.err = fmt::format("leverd: {}\n", what);
    out.err += hint.empty() ? "" : fmt::format("  next: {}\n", hint);
    return out;
}

Exit exit_for(int status) {
    switch (status) {
        case 200:
            return Exit::ok;
        case 400:
        case 404:
            return Exit::usage;
        case 401:
        case 403:
        case 409:
            return Exit::refused;
        default:
            return Exit::failed;
    }
}

// A look at the outcome every now and then; the daemon works whether we look or not.
void rest(int ms) {
    (void)::poll(nullptr, 0, ms);
}

std::string proof_text(const json& steps) {
    std::string out;
    for (const json& step : steps) {
        const std::string probe = text_at(step, "probe");
        out += fmt::format("{}{} x {}{}", out.empty() ? "" : ", then ", text_at(step, "looks"),
                           text_at(step, "who"), probe.empty() ? "" : " " + probe);
    }
    return out.empty() ? "none: a person checks" : out;
}

std::string levers_text(const json& answer, bool color) {
    Table table({"lever", "letter", "undo", "proof after", "who", "title"});
    std::string details;
    for (const json& lever : member(answer, "levers")) {
        table.add({text_at(lever, "id"), text_at(lever, "letter"), text_at(lever, "reversibility"),
                   text_at(lever, "propagation"),
                   text_at(lever, "manual") == "true" ? "a person" : "leverd",
                   text_at(lever, "title")});
        details += fmt::format("\n{}\n  moves:    {}\n  needs:    {}\n  inverse:  {}\n",  //
                               text_at(lever, "id"), text_at(lever, "resource"),
                               text_at(lever, "precondition"), text_at(lever, "inverse"));
        details +=
            fmt::format("  proof:    {}\n  not fooled by: {}\n", proof_text(member(lever, "proof")),
                        text_at(lever, "known_false_success"));
    }
    return table.render(color) + details;
}

// The plan with every call, then every guard's line.
std::string answer_text(const json& answer, bool color) {
    json decision = member(answer, "decision");
    if (!decision.is_object()) {
        return {};
    }
    decision["plan"] = member(answer, "plan");
    std::string out = decision_text(decision, color);
    const std::string problem = text_at(answer, "problem");
    return problem.empty() ? out : fmt::format("no plan: {}\n{}", problem, out);
}

std::string shown_subject(const std::string& subject) {
    return sanitize(subject, 120);
}

Report outcome_report(const CliOptions& options, const json& intent, const std::string& raw) {
    const json& outcome = member(intent, "outcome");
    const std::string kind = text_at(outcome, "kind");
    Report out;
    out.code = kind == "accepted"  ? Exit::ok
               : kind == "refused" ? Exit::refused
               : kind == "failed"  ? Exit::failed
                                   : Exit::unknown;
    if (options.json) {
        out.out = raw;
        return out;
    }
    out.out =
        fmt::format("{}: {} - {}\n", text_at(intent, "intent"), kind, text_at(outcome, "detail"));
    const std::string subject = text_at(intent, "subject");
    out.out += out.code == Exit::ok
                   ? "accepted is not success: the verdict comes from fresh looks. "
                     "Next: leverd why " +
                         subject + "\n"
               : out.code == Exit::unknown
                   ? "whether it took effect is not known: leverd looks at the target and does not "
                     "send it again. Next: leverd why " +
                         subject + "\n"
                   : "";
    return out;
}

Report wait_for_outcome(const CliOptions& options, const FireAsked& asked,
                        const std::string& intent) {
    const std::string target = "/api/v1/intents/" + intent;
    for (int waited = 0; waited <= asked.wait_ms; waited += asked.look_every_ms) {
        const auto answer = call_daemon(options.socket, "GET", target, "");
        const auto body =
            answer.has_value() ? parse_json(answer->body) : Result<json>(Error{"no answer", {}});
        if (body.has_value() && member(*body, "outcome").is_object()) {
            return outcome_report(options, *body, answer->body);
        }
        rest(asked.look_every_ms);
    }
    return failed(Exit::unknown, "the outcome of " + intent + " is not known yet",
                  "leverd why " + shown_subject(asked.subject));
}

}  // namespace

Report levers(const CliOptions& options) {
    const auto answer = call_daemon(options.socket, "GET", "/api/v1/levers", "");
    if (answer.has_error()) {
        return failed(answer.error().code, answer.error().error.what, answer.error().error.hint);
    }
    const auto body = parse_json(answer->body);
    if (body.has_error() || answer->status != 200) {
        return failed(Exit::failed, "leverd gave no list of levers", "leverd status");
    }
    Report out;
    out.out = options.json ? answer->body : levers_text(*body, options.color);
    return out;
}

Report fire(const CliOptions& options, const FireAsked& asked) {
    if (asked.why.empty() && !asked.dry_run) {
        return failed(Exit::usage, "fire needs a reason, for whoever reads the ledger later",
                      "add --why \"...\", or see first what it would do: --dry-run");
    }
    json wanted = json::object();
    wanted["subject"] = asked.subject;
    wanted["dry_run"] = asked.dry_run;
    wanted["why"] = asked.why;
    if (!asked.confirm.empty()) {
        wanted["confirm"] = asked.confirm;
    }
    if (!asked.from.empty()) {
        wanted["from"] = asked.from;
    }
    for (const char c : asked.lever) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        if (!plain) {
            return failed(Exit::usage, "that is no name of a lever", "leverd levers");
        }
    }
    const auto answer = call_daemon(options.socket, "POST",
                                    "/api/v1/levers/" + asked.lever + "/fire", dump(wanted));
    if (answer.has_error()) {
        return failed(answer.error().code, answer.error().error.what, answer.error().error.hint);
    }
    const auto body = parse_json(answer->body);
    if (body.has_error()) {
        return failed(Exit::unknown, "leverd answered with something that is not JSON",
                      "leverd why " + shown_subject(asked.subject));
    }
    const auto code = exit_for(answer->status);
    if (code != Exit::ok) {
        Report out = failed(code, text_at(*body, "error"), text_at(*body, "hint"));
        out.out = options.json ? answer->body : answer_text(*body, options.color);
        return out;
    }
    if (asked.dry_run) {
        Report out;
        out.out = options.json ? answer->body
                               : "dry run: nothing was fired\n" + answer_text(*body, options.color);
        out.code =
            text_at(member(*body, "decision"), "action") == "fire" ? Exit::ok : Exit::refused;
        return out;
    }
    auto out = wait_for_outcome(options, asked, text_at(*body, "intent"));
    out.out = options.json ? out.out : answer_text(*body, options.color) + out.out;
    return out;
}

Report recreate(const CliOptions& options, FireAsked asked) {
    if (!is_opaque_id(asked.from)) {
        return failed(Exit::usage, "that is no intent", "leverd incidents names them, e.g. t-3");
    }
    const auto answer =
        call_daemon(options.socket, "GET", "/api/v1/intents/" + asked.from, std::string{});
    if (answer.has_error()) {
        return failed(answer.error().code, answer.error().error.what, answer.error().error.hint);
    }
    const auto body = parse_json(answer->body);
    if (body.has_error() || answer->status != 200) {
        const std::string what = body.has_value() ? text_at(*body, "error") : std::string{};
        return failed(exit_for(answer->status), what.empty() ? "leverd gave no intent" : what,
                      "leverd incidents");
    }
    asked.lever = text_at(*body, "lever");
    asked.subject = text_at(*body, "subject");
    return fire(options, asked);
}

}  // namespace leverd::cli
