// Why: see forge.hpp. Every answer is read with suspicion: names are checked before they reach a
// URL, text is sanitized, and a rate limit is obeyed before the next call is made.
#include "core/stack/forge.hpp"

#include "core/base/text.hpp"
#include "core/stack/control_plane.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace leverd::stack {
namespace {

constexpr std::size_t answers_max = 500;
constexpr std::size_t body_bytes_max = 4U << 20;
constexpr std::size_t word_bytes_max = 64;
constexpr std::size_t title_bytes_max = 160;
constexpr Millis pause_unsaid{60'000};
constexpr Millis pause_max{3'600'000};

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= 100 && text.front() != '.' &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ||
                      c == '.';
           });
}

bool is_branch(std::string_view text) {
    return !text.empty() && text.size() <= 200 && std::all_of(text.begin(), text.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ||
               c == '.' || c == '/';
    });
}

Problem bad_name(const std::string& what) {
    return local_problem(Reason::wrong_body, "not a name that may be asked for: \"" +
                                                 sanitize(what, word_bytes_max) + "\"");
}

std::optional<std::int64_t> whole_number(const std::string& text) {
    std::int64_t value = 0;
    const auto end = text.data() + text.size();
    const auto [at, failed] = std::from_chars(text.data(), end, value);
    return failed == std::errc{} && at == end && value >= 0 ? std::optional<std::int64_t>(value)
                                                            : std::nullopt;
}

// Both forges number their things; a text is taken as it is.
std::string id_at(const nlohmann::json& row) {
    const auto it = row.is_object() ? row.find("id") : row.end();
    if (!row.is_object() || it == row.end()) {
        return {};
    }
    return it->is_number_integer() ? std::to_string(it->get<std::int64_t>())
                                   : sanitize(text_at(row, "id"), word_bytes_max);
}

// Gitea has answers in which one word is state and result at once. Words that nobody knows stay as
// they are: a run that may still be going must not read as ended.
void part_status(Run& run) {
    for (const char* ended : {"success", "failure", "cancelled", "skipped"}) {
        if (run.status == ended) {
            run.conclusion = run.conclusion.empty() ? ended : run.conclusion;
            run.status = "completed";
        }
    }
    if (run.status == "running") {
        run.status = "in_progress";
    } else if (run.status == "waiting" || run.status == "blocked") {
        run.status = "queued";
    }
}

Run run_of(const nlohmann::json& row) {
    Run run;
    run.id = id_at(row);
    // GitHub numbers its workflows; Gitea has answers that name the file here and have no path.
    const std::string path = text_at(row, "path");
    run.file =
        sanitize(workflow_file(path.empty() ? text_at(row, "workflow_id") : path), word_bytes_max);
    run.name = sanitize(text_at(row, "name"), word_bytes_max);
    const std::string sha = lower_case(text_at(row, "head_sha"));
    run.sha = is_commit(sha) ? sha : "";
    run.branch = sanitize(text_at(row, "head_branch"), word_bytes_max);
    run.event = sanitize(text_at(row, "event"), word_bytes_max);
    run.status = sanitize(text_at(row, "status"), word_bytes_max);
    run.conclusion = sanitize(text_at(row, "conclusion"), word_bytes_max);
    for (const char* key : {"created_at", "started_at", "run_started_at"}) {
        run.created = run.created ? run.created : parse_rfc3339(text_at(row, key));
    }
    part_status(run);
    return run;
}

// 0 for what no forge would count up to: a cast from there is not defined.
std::int64_t merge_number(const nlohmann::json& row) {
    const double number = number_at(row, "number", 0);
    return number >= 1 && number <= 1e15 ? static_cast<std::int64_t>(number) : 0;
}

std::string base_of(const nlohmann::json& row) {
    const auto base = row.is_object() ? row.find("base") : row.end();
    return row.is_object() && base != row.end() ? text_at(*base, "ref") : std::string{};
}

}  // namespace

bool is_forge_repository(std::string_view text) {
    const auto slash = text.find('/');
    return slash != std::string_view::npos && is_name(text.substr(0, slash)) &&
           is_name(text.substr(slash + 1));
}

bool is_workflow_file(std::string_view text) {
    return is_name(text) && (text.ends_with(".yml") || text.ends_with(".yaml"));
}

bool is_commit(std::string_view text) {
    return text.size() >= 7 && text.size() <= 40 &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string workflow_file(std::string_view path) {
    path = path.substr(0, path.find('@'));
    const auto slash = path.rfind('/');
    return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

const ForgeDialect* find_forge(std::string_view name) {
    for (const ForgeDialect* dialect : {&github_dialect, &gitea_dialect}) {
        if (dialect->name == name) {
            return dialect;
        }
    }
    return nullptr;
}

std::optional<Millis> asked_pause(const net::HttpResponse& response, WallTime now) {
    if (response.status != 403 && response.status != 429) {
        return std::nullopt;
    }
    const bool spent = response.header("x-ratelimit-remaining") == "0";
    const auto after = whole_number(response.header("retry-after"));
    const auto reset = whole_number(response.header("x-ratelimit-reset"));
    const std::string words = lower_case(response.body);
    // A plain 403 is a matter of rights; only these words make it a matter of pace.
    const bool said = words.find("rate limit") != std::string::npos;
    if (response.status == 403 && !spent && !after && !said) {
        return std::nullopt;
    }
    constexpr std::int64_t seconds_max = 4'000'000'000;
    Millis pause = pause_unsaid;
    if (after && *after < seconds_max) {
        pause = Millis{*after * 1000};
    } else if (spent && reset && *reset < seconds_max) {
        pause = WallTime{Millis{*reset * 1000}} - now;
    }
    return std::clamp(pause, Millis{1000}, pause_max);
}

net::HttpRequest Forge::request(const std::string& path, bool with_token) const {
    net::HttpRequest request;
    request.url = join_url(access_.url, path);
    request.headers.emplace_back("Accept", std::string(access_.dialect->accept));
    if (!access_.dialect->version_header.empty()) {
        request.headers.emplace_back(std::string(access_.dialect->version_header),
                                     std::string(access_.dialect->version));
    }
    if (with_token && !access_.token.empty()) {
        request.bearer = access_.token;
    }
    request.body_limit = body_bytes_max;
    return request;
}

void Forge::note_pace(const net::HttpResponse& response) {
    const Now now = access_.clock->now();
    const auto pause = asked_pause(response, now.wall);
    if (pause) {
        access_.memory->quiet_until = std::max(access_.memory->quiet_until, now.at + *pause);
    }
}

boost::asio::awaitable<Read<net::HttpResponse>> Forge::get(net::HttpRequest request,
                                                           net::Deadline deadline) {
    const Instant now = access_.clock->now().at;
    if (now < access_.memory->quiet_until) {
        Problem wait =
            local_problem(Reason::rate_limited,
                          fmt::format("not asked: the forge wants to be left alone for another {}",
                                      shown_duration(access_.memory->quiet_until - now)));
        co_return wait;
    }
    const auto known = access_.memory->answers.find(request.url);
    if (known != access_.memory->answers.end()) {
        request.headers.emplace_back("If-None-Match", known->second.etag);
    }
    auto answer = co_await call(access_.http, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    const auto kept = access_.memory->answers.find(request.url);
    if (answer->status == 304 && kept != access_.memory->answers.end()) {
        net::HttpResponse same = kept->second.response;
        same.phases = answer->phases;
        co_return same;
    }
    note_pace(*answer);
    if (answer->status != 200) {
        Problem problem = problem_of(request, *answer);
        if (asked_pause(*answer, access_.clock->now().wall)) {
            problem.reason = Reason::rate_limited;
        }
        // A private repository that we may not see and an empty answer look like a guard's.
        problem.reason =
            problem.reason == Reason::guard_not_found ? Reason::not_found : problem.reason;
        co_return problem;
    }
    const std::string& etag = answer->header("etag");
    if (!etag.empty() && etag.size() <= 256 && is_header_text(etag)) {
        if (access_.memory->answers.size() >= answers_max) {
            access_.memory->answers.clear();
        }
        access_.memory->answers.insert_or_assign(request.url, ForgeMemory::Answer{etag, *answer});
    } else {
        access_.memory->answers.erase(request.url);
    }
    co_return answer;
}

boost::asio::awaitable<Read<Workflow>> Forge::workflow(std::string repository, std::string file,
                                                       net::Deadline deadline) {
    if (!is_forge_repository(repository) || !is_workflow_file(file)) {
        co_return bad_name(repository + ": " + file);
    }
    const net::HttpRequest wanted =
        request("/repos/" + repository + "/actions/workflows/" + file, true);
    auto answer = co_await get(wanted, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    auto body = json_of(wanted, *answer);
    if (body.has_error()) {
        co_return body.error();
    }
    Workflow workflow{file, sanitize(text_at(*body, "state"), word_bytes_max)};
    if (workflow.state.empty()) {
        co_return problem_of(wanted, *answer, Reason::wrong_body);
    }
    co_return workflow;
}

boost::asio::awaitable<Read<std::vector<Run>>> Forge::runs(std::string repository, RunQuery query,
                                                           net::Deadline deadline) {
    if (!is_forge_repository(repository) || (!query.branch.empty() && !is_branch(query.branch))) {
        co_return bad_name(repository + " " + query.branch);
    }
    const net::HttpRequest wanted = request(access_.dialect->runs_path(repository, query), true);
    auto answer = co_await get(wanted, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    auto body = json_of(wanted, *answer);
    if (body.has_error()) {
        co_return body.error();
    }
    const auto rows = body->is_object() ? body->find("workflow_runs") : body->end();
    if (!body->is_object() || rows == body->end() || !(rows->is_array() || rows->is_null())) {
        co_return problem_of(wanted, *answer, Reason::wrong_body);
    }
    std::vector<Run> runs;
    for (const auto& row : *rows) {
        runs.push_back(run_of(row));
    }
    co_return good(std::move(runs));
}

boost::asio::awaitable<Read<std::vector<Merge>>> Forge::merged(std::string repository,
                                                               std::string base,
                                                               net::Deadline deadline) {
    if (!is_forge_repository(repository) || !is_branch(base)) {
        co_return bad_name(repository + " " + base);
    }
    const net::HttpRequest wanted = request(access_.dialect->merged_path(repository, base), true);
    auto answer = co_await get(wanted, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    auto body = json_of(wanted, *answer);
    if (body.has_error()) {
        co_return body.error();
    }
    if (!body->is_array()) {
        co_return problem_of(wanted, *answer, Reason::wrong_body);
    }
    std::vector<Merge> merges;
    for (const auto& row : *body) {
        const auto merged = parse_rfc3339(text_at(row, "merged_at"));
        if (merged && base_of(row) == base) {
            merges.push_back(
                Merge{merge_number(row), sanitize(text_at(row, "title"), title_bytes_max), merged});
        }
    }
    std::sort(merges.begin(), merges.end(), [](const Merge& a, const Merge& b) {
        return a.merged != b.merged ? a.merged > b.merged : a.number > b.number;
    });
    co_return good(std::move(merges));
}

boost::asio::awaitable<std::optional<Problem>> Forge::loss(std::string repository, Problem refused,
                                                           net::Deadline deadline) {
    if (!is_forge_repository(repository)) {
        co_return bad_name(repository);
    }
    const net::HttpRequest wanted = request("/repos/" + repository, false);
    auto answer = co_await call(access_.http, wanted, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    if (answer->status == 200) {
        co_return std::nullopt;
    }
    if (answer->status >= 500 || asked_pause(*answer, access_.clock->now().wall)) {
        co_return problem_of(wanted, *answer);
    }
    refused.reason = Reason::forge_lost;
    refused.detail = fmt::format(
        "every call is refused, and without our token {} is not to be seen either ({}): the token "
        "was revoked, or the account or organisation is suspended; {}",
        repository, answer->status, refused.detail);
    co_return refused;
}

}  // namespace leverd::stack
