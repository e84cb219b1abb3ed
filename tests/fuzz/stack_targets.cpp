// Why: the stack's own interfaces answer with bodies that other people's code wrote; whatever
// comes, only checked ids leave these parsers.
#include "core/base/text.hpp"
#include "core/stack/control_plane.hpp"
#include "core/stack/image_identity.hpp"
#include "core/stack/receipt.hpp"
#include "core/stack/tenant.hpp"
#include "tests/fuzz/parts.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace leverd::fuzz {
namespace {

net::HttpRequest some_request() {
    net::HttpRequest request;
    request.url = "https://host.example/path";
    return request;
}

template <class T>
void check_problem(const stack::Read<T>& read) {
    if (read.has_error()) {
        require(read.error().detail.size() <= 2048, "a detail is short");
        require(sanitize(read.error().detail, 4096) == read.error().detail, "a detail is clean");
    }
}

void orgs(std::string_view bytes) {
    const auto read = stack::parse_orgs(some_request(), json_answer(bytes));
    check_problem(read);
    if (read.has_value()) {
        for (const auto& tenant : read->tenants) {
            require(is_slug(tenant.slug), "a tenant has a valid slug");
            require(is_uuid(tenant.org_id), "a tenant has a valid org id");
        }
        require(read->rows >= read->tenants.size(), "no tenant without a row");
    }
}

void boot_events(std::string_view bytes) {
    const auto read = stack::parse_boot_events(some_request(), json_answer(bytes), "acme");
    check_problem(read);
    if (read.has_value()) {
        const auto& events = read->events;
        for (std::size_t i = 0; i < events.size(); ++i) {
            require(sanitize(events[i].text, 4096) == events[i].text, "a text is clean");
            require(i == 0 || !events[i].at || events[i - 1].at >= events[i].at, "newest first");
        }
    }
}

void workspaces(std::string_view bytes) {
    const auto read = stack::parse_workspaces(some_request(), json_answer(bytes));
    check_problem(read);
    if (read.has_value()) {
        for (const auto& workspace : read->workspaces) {
            require(is_uuid(workspace.row.id), "a workspace has a valid id");
        }
    }
}

void activity(std::string_view bytes) {
    const auto read = stack::parse_activity(some_request(), json_answer(bytes));
    check_problem(read);
    if (read.has_value()) {
        for (const auto& row : *read) {
            require(row.failure.size() <= 200, "the words of a failure are short");
            require(row.answer != stack::AnswerKind::clean || row.failure.empty(),
                    "a clean answer has no failure");
        }
        const auto sum = stack::summarize_activity(*read, WallTime{Millis{0}},
                                                   WallTime{Millis{4'000'000'000'000}});
        require(sum.failed <= sum.requests && sum.provider_faults <= sum.failed,
                "a part is no more than the whole");
    }
}

void metrics_text(std::string_view bytes) {
    const auto sum = stack::sum_metric(bytes, stack::requests_metric);
    require(!sum || !std::isnan(*sum), "a counter is a number");
}

void receipt(std::string_view bytes) {
    const auto digests = stack::parse_digest_receipt(bytes);
    for (const auto& [key, digest] : digests.digests) {
        require(!key.empty() && is_digest(digest), "a receipt gives checked digests");
    }
    require(!digests.conflicting || digests.digests.empty(), "a contradiction gives nothing");
    const auto workflows = stack::parse_workflow_receipt(bytes);
    for (const auto& [repository, file] : workflows.workflows) {
        require(repository.find('/') != std::string::npos, "owner/repo");
        require(file.find('/') == std::string::npos, "a workflow is a file name");
    }
}

// What a tenant says of its build becomes a tag's name, and what an index lists a digest in a URL.
void image(std::string_view bytes) {
    const auto build = stack::parse_build(some_request(), json_answer(bytes));
    check_problem(build);
    if (build.has_value()) {
        const std::string& commit = build->commit;
        require(commit.find_first_not_of("0123456789abcdef") == std::string::npos &&
                    (commit.empty() || (commit.size() >= 7 && commit.size() <= 40)),
                "a commit is 7 to 40 hex digits");
        require(build->digest.empty() || is_digest(build->digest), "a digest is checked");
        require(!commit.empty() || !build->digest.empty(), "a build says something");
    }
    stack::Manifest manifest;
    manifest.bytes = std::string(bytes);
    for (const std::string& digest : stack::listed_manifests(manifest)) {
        require(is_digest(digest), "an index lists checked digests");
    }
}

void rfc3339(std::string_view bytes) {
    (void)stack::parse_rfc3339(bytes);
}

}  // namespace

std::vector<Target> stack_targets() {
    return {{"orgs", orgs},
            {"boot_events", boot_events},
            {"workspaces", workspaces},
            {"activity", activity},
            {"metrics_text", metrics_text},
            {"receipt", receipt},
            {"rfc3339", rfc3339},
            {"image", image}};
}

}  // namespace leverd::fuzz
