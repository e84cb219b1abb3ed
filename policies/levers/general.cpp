// Why: see general.hpp. What can be checked before the call is checked; what cannot be known after
// it is `unknown`. Only an answer with an expected status, or exit 0, counts as accepted.
#include "policies/levers/general.hpp"

#include "core/base/redact.hpp"
#include "core/base/text.hpp"
#include "core/net/process.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace leverd::levers {
namespace {

constexpr std::size_t output_shown_max = 400;
constexpr std::size_t output_limit = 16U << 10;

// The checked values of a subject: nothing else ever enters a template.
std::map<std::string, std::string> values_of(const Subject& subject) {
    std::map<std::string, std::string> values;
    if (const auto workspace = workspace_name(subject); workspace.has_value()) {
        values["{slug}"] = workspace->slug;
        values["{id}"] = workspace->id;
    } else if (is_slug(subject.name())) {
        values["{slug}"] = std::string(subject.name());
    }
    // A program would take it for an option, and a host name never begins so.
    const auto slug = values.find("{slug}");
    if (slug != values.end() && slug->second.starts_with('-')) {
        values.clear();
    }
    return values;
}

bool meant(const config::GeneralLever& g, const Subject& subject) {
    return std::any_of(g.subjects.begin(), g.subjects.end(), [&](const std::string& pattern) {
        return pattern == "*" || pattern == "**" || glob_match(pattern, subject.text());
    });
}

class GeneralLever final : public Lever {
  public:
    explicit GeneralLever(const config::LeverSettings& settings)
        : settings_(settings), contract_(general_contract(settings)) {}

    const LeverContract& contract() const override { return contract_; }
    Millis patience() const override { return settings_.timeout; }

    boost::asio::awaitable<Result<Plan>> plan(Context& context, Subject subject,
                                              net::Deadline deadline) override {
        (void)context, (void)deadline;
        co_return make_plan(subject);
    }

    boost::asio::awaitable<Outcome> fire(Context& context, Plan plan, std::string intent,
                                         net::Deadline deadline) override {
        const auto again = make_plan(plan.subject);
        if (again.has_error() || again->calls != plan.calls) {
            co_return make_outcome(intent, OutcomeKind::refused,
                                   "the plan does not fit the configuration any more");
        }
        if (general().kind == "command") {
            auto ran = co_await run(context, false, plan.subject, deadline);
            co_return judge_run(intent, ran);
        }
        auto request = request_for(plan.subject);
        if (request.has_error()) {
            co_return make_outcome(intent, OutcomeKind::refused, request.error().what);
        }
        if (auto missing = add_secret(context, *request)) {
            co_return make_outcome(intent, OutcomeKind::refused, *missing);
        }
        auto answer = co_await stack::call(context.http, *request, deadline);
        if (answer.has_error()) {
            // Nothing but the status is asked for, so a body that went wrong changes nothing.
            const bool took = is_fine(answer.error().heard);
            co_return make_outcome(intent,
                                   took ? OutcomeKind::accepted : judge_mutation(answer.error()),
                                   describe_mutation(answer.error()));
        }
        co_return judge_answer(intent, *request, *answer);
    }

    boost::asio::awaitable<Settled> observe(Context& context, Plan plan, std::string intent,
                                            Now fired, net::Deadline deadline) override {
        (void)fired;
        if (!general().observe_argv.empty()) {
            auto ran = co_await run(context, true, plan.subject, deadline);
            const bool ended = ran.end == net::ProcessEnd::exited;
            const Took took = ended && ran.code == 0   ? Took::yes
                              : ended && ran.code == 1 ? Took::no
                                                       : Took::unclear;
            co_return make_settled(intent, took, words_of(ran));
        }
        if (general().observe_url.empty()) {
            co_return make_settled(intent, Took::unclear,
                                   "this lever declares no way to see whether it took: look at the "
                                   "target by hand");
        }
        co_return co_await observe_url(context, std::move(plan), std::move(intent), deadline);
    }

    boost::asio::awaitable<std::optional<Observation>> prove(Context& context, Plan plan,
                                                             Outcome outcome,
                                                             net::Deadline deadline) override {
        (void)context, (void)plan, (void)outcome, (void)deadline;
        co_return std::nullopt;
    }

  private:
    const config::GeneralLever& general() const { return settings_.general; }

    Result<Plan> make_plan(const Subject& subject) const {
        if (!meant(general(), subject)) {
            return refusal(fmt::format("lever {} is not declared for {}", settings_.id,
                                       sanitize(subject.text(), 120)),
                           "its subjects are in [[lever]]");
        }
        Plan plan;
        plan.lever = settings_.id;
        plan.subject = subject;
        plan.resource = subject.text();
        for (const auto& [name, value] : values_of(subject)) {
            plan.params[name.substr(1, name.size() - 2)] = value;
        }
        auto call = general().kind == "http" ? http_call(subject) : command_call(subject);
        if (call.has_error()) {
            return call.error();
        }
        plan.calls = {std::move(*call)};
        if (general().observe_url.empty() && general().observe_argv.empty()) {
            plan.warnings = {
                "if the answer is lost nobody can tell whether it took: this lever "
                "declares no look of its own"};
        }
        return success(std::move(plan));
    }

    Result<Call> http_call(const Subject& subject) const {
        const auto request = request_for(subject);
        if (request.has_error()) {
            return request.error();
        }
        Call call{request->method, request->url, request->body, contract_.title};
        for (const auto& [name, value] : request->headers) {
            call.why += fmt::format("; {}: {}", name, value);
        }
        if (!general().secret.empty()) {
            call.why += fmt::format("; {}: <secret {}>", general().secret_header, general().secret);
        }
        return success(std::move(call));
    }

    Result<Call> command_call(const Subject& subject) const {
        const auto program = lever_program(settings_, false, subject);
        if (program.has_error()) {
            return program.error();
        }
        const auto& argv = program->argv;
        return success(
            Call{"RUN", argv[0], fmt::format("{}", fmt::join(argv, " ")), contract_.title});
    }

    Result<net::HttpRequest> request_for(const Subject& subject) const {
        net::HttpRequest request;
        request.method = general().method;
        const auto url = fill_template(general().url, subject);
        const auto body = fill_template(general().body, subject);
        if (url.has_error() || body.has_error()) {
            return url.has_error() ? url.error() : body.error();
        }
        request.url = *url;
        request.body = *body;
        for (const auto& [name, text] : general().headers) {
            const auto value = fill_template(text, subject);
            if (value.has_error()) {
                return value.error();
            }
            request.headers.emplace_back(name, *value);
        }
        return success(std::move(request));
    }

    // Its own secret and no other; what is missing is said without the value.
    std::optional<std::string> add_secret(const Context& context, net::HttpRequest& request) const {
        if (general().secret.empty()) {
            return std::nullopt;
        }
        const auto found = context.secrets->find(general().secret);
        if (found == context.secrets->end() || found->second.empty()) {
            return "the secret " + general().secret + " is not there; nothing was sent";
        }
        if (general().secret_header == "Authorization") {
            request.bearer = found->second;
        } else {
            request.headers.emplace_back(general().secret_header, found->second.reveal());
        }
        return std::nullopt;
    }

    bool is_fine(int status) const {
        const auto& fine = general().statuses;
        return std::find(fine.begin(), fine.end(), status) != fine.end();
    }

    Outcome judge_answer(const std::string& intent, const net::HttpRequest& request,
                         const net::HttpResponse& response) const {
        const std::string words = stack::describe_without_body(request, response);
        if (is_fine(response.status)) {
            return make_outcome(intent, OutcomeKind::accepted, words);
        }
        // A success that nobody declared is no success, and no refusal either.
        const bool odd = response.status < 300;
        return make_outcome(
            intent,
            odd ? OutcomeKind::unknown : judge_mutation(stack::problem_of(request, response)),
            words);
    }

    boost::asio::awaitable<Settled> observe_url(Context& context, Plan plan, std::string intent,
                                                net::Deadline deadline) {
        net::HttpRequest request;
        const auto url = fill_template(general().observe_url, plan.subject);
        if (url.has_error()) {
            co_return make_settled(intent, Took::unclear, url.error().what);
        }
        request.url = *url;
        if (same_origin(general().observe_url, general().url)) {
            (void)add_secret(context, request);
        }
        auto answer = co_await stack::call(context.http, request, deadline);
        if (answer.has_error()) {
            co_return make_settled(intent, Took::unclear, answer.error().detail);
        }
        const bool took = answer->status == general().observe_status &&
                          answer->body.find(general().observe_text) != std::string::npos;
        // Not there yet is not the same as never: only the time-out gives up.
        co_return make_settled(intent, took ? Took::yes : Took::unclear,
                               stack::describe_without_body(request, *answer));
    }

    static bool same_origin(const std::string& a, const std::string& b) {
        const auto origin = [](const std::string& url) {
            const auto scheme = url.find("://");
            return url.substr(0, url.find_first_of("/?#", scheme + 3));
        };
        return origin(a) == origin(b);
    }

    boost::asio::awaitable<net::ProcessResult> run(const Context& context, bool observes,
                                                   Subject subject, net::Deadline deadline) const {
        net::ProcessResult result;
        auto request = lever_program(settings_, observes, subject);
        if (request.has_error()) {
            result.detail = request.error().what;
            co_return result;
        }
        request->helper = context.config->daemon.exec_socket;
        request->called = {observes ? "observe" : "lever", settings_.id, subject.text()};
        result = co_await net::run_process(std::move(*request), deadline);
        co_return result;
    }

    // The first line that says anything, of what it complained about, else of what it said.
    static std::string first_line(const net::ProcessResult& ran) {
        for (const auto* output : {&ran.err, &ran.out}) {
            const auto begin = output->find_first_not_of(" \t\r\n");
            if (begin != std::string::npos) {
                const auto line =
                    output->substr(begin, output->find_first_of("\r\n", begin) - begin);
                return ": " + excerpt_of(line, output_shown_max);
            }
        }
        return {};
    }

    static std::string words_of(const net::ProcessResult& ran) {
        switch (ran.end) {
            case net::ProcessEnd::exited:
                return fmt::format("exit {}{}", ran.code, first_line(ran));
            case net::ProcessEnd::signalled:
                return fmt::format("ended by signal {}{}", ran.code, first_line(ran));
            case net::ProcessEnd::timed_out:
                return "the time was up and it was killed" + first_line(ran);
            case net::ProcessEnd::cancelled:
                return "leverd stopped and it was killed" + first_line(ran);
            case net::ProcessEnd::not_started:
                return "nothing ran: " + sanitize(ran.detail, output_shown_max);
        }
        return {};
    }

    // A program that ended otherwise than well may have done half of its work, unless the operator
    // declared that this exit code says that it did nothing.
    Outcome judge_run(const std::string& intent, const net::ProcessResult& ran) const {
        const auto& harmless = general().no_effect_exit_codes;
        const bool exited = ran.end == net::ProcessEnd::exited;
        const bool nothing =
            ran.end == net::ProcessEnd::not_started ||
            (exited && std::find(harmless.begin(), harmless.end(), ran.code) != harmless.end());
        const OutcomeKind kind = nothing                   ? OutcomeKind::failed
                                 : exited && ran.code == 0 ? OutcomeKind::accepted
                                                           : OutcomeKind::unknown;
        std::string words = words_of(ran);
        if (exited && nothing) {
            words += " (declared as without effect)";
        } else if (kind == OutcomeKind::unknown) {
            words += " (what it did before that is not known)";
        }
        Outcome outcome = make_outcome(intent, kind, words);
        if (exited) {
            outcome.results["exit_code"] = std::to_string(ran.code);
        }
        return outcome;
    }

    config::LeverSettings settings_;
    LeverContract contract_;
};

}  // namespace

Result<std::string> fill_template(const std::string& text, const Subject& subject) {
    const auto values = values_of(subject);
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const auto close = text[i] == '{' ? text.find('}', i) : std::string::npos;
        const std::string name =
            close == std::string::npos ? std::string{} : text.substr(i, close - i + 1);
        if (name != "{slug}" && name != "{id}") {
            out += text[i++];
            continue;
        }
        const auto value = values.find(name);
        if (value == values.end()) {
            return refusal(fmt::format("{} has no {}", sanitize(subject.text(), 120), name),
                           "name it as tenant/<slug> or workspace/<slug>/<uuid>");
        }
        out += value->second;
        i = close + 1;
    }
    return success(std::move(out));
}

Result<net::ProcessRequest> lever_program(const config::LeverSettings& settings, bool observes,
                                          const Subject& subject) {
    const auto& g = settings.general;
    const auto& templates = observes ? g.observe_argv : g.argv;
    if (g.kind != "command" || templates.empty() || !meant(g, subject)) {
        return Error{fmt::format("{} runs no program for {}", settings.id, subject.text()),
                     "its subjects are in [[lever]]"};
    }
    net::ProcessRequest request;
    for (const auto& text : templates) {
        auto filled = fill_template(text, subject);
        if (filled.has_error()) {
            return filled.error();
        }
        request.argv.push_back(std::move(*filled));
    }
    request.environment["PATH"] = "/usr/bin:/bin";
    request.output_limit = output_limit;
    return request;
}

LeverContract general_contract(const config::LeverSettings& settings) {
    const auto& g = settings.general;
    LeverContract contract;
    contract.id = settings.id;
    contract.title = g.title;
    contract.reversibility =
        g.irreversible ? Reversibility::irreversible : Reversibility::restores_old_state;
    contract.inverse = g.inverse;
    contract.resource = "the subject";
    contract.precondition = "the subject is one of those that the lever is declared for";
    contract.disruptive = g.disruptive;
    contract.propagation = settings.propagation.value_or(std::chrono::seconds(30));
    if (!g.probe.empty()) {
        ProofStep works;
        works.who = ProofStep::Who::target;
        works.probe = g.probe;
        works.looks = 2;
        contract.proof.push_back(works);
    }
    ProofStep cleared;
    cleared.who = ProofStep::Who::cleared;
    cleared.looks = 0;
    contract.proof.push_back(cleared);
    contract.known_false_success = g.kind == "http" ? "the call was accepted and changed nothing"
                                                    : "the program said 0 and changed nothing";
    return contract;
}

std::unique_ptr<Lever> make_general_lever(const config::LeverSettings& settings) {
    return std::make_unique<GeneralLever>(settings);
}

}  // namespace leverd::levers
