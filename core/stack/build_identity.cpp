// Why: the tag says what is meant to run and /buildinfo what does run. Only later builds have it,
// and nobody wrote down its fields, so the reader takes what looks like a commit or a digest and
// nothing else.
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "core/stack/tenant.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace leverd::stack {
namespace {

constexpr std::array commit_fields{"git_sha", "sha", "commit", "git_commit", "revision"};
constexpr std::array digest_fields{"image_digest", "digest", "image", "image_ref"};
constexpr std::size_t commit_digits_min = 7;
constexpr std::size_t commit_digits_max = 40;
constexpr std::size_t digest_size = 71;  // "sha256:" and 64 digits
constexpr std::size_t body_bytes_max = 16U << 10;

bool is_commit(const std::string& text) {
    return text.size() >= commit_digits_min && text.size() <= commit_digits_max &&
           text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// "repository@sha256:..." and "sha256:..." alike.
std::string digest_in(const std::string& text) {
    const auto at = text.find("sha256:");
    std::string digest = at == std::string::npos ? std::string{} : text.substr(at, digest_size);
    return is_digest(digest) && at + digest_size == text.size() ? digest : std::string{};
}

}  // namespace

Read<BuildIdentity> parse_build(const net::HttpRequest& request,
                                const net::HttpResponse& response) {
    auto body = json_of(request, response);
    if (body.has_error()) {
        return body.error();
    }
    BuildIdentity build;
    for (const char* field : commit_fields) {
        const std::string text = lower_case(text_at(*body, field));
        if (build.commit.empty() && is_commit(text)) {
            build.commit = text;
        }
    }
    for (const char* field : digest_fields) {
        if (build.digest.empty()) {
            build.digest = digest_in(text_at(*body, field));
        }
    }
    if (build.commit.empty() && build.digest.empty()) {
        return problem_of(request, response, Reason::wrong_body);
    }
    return build;
}

boost::asio::awaitable<Read<BuildIdentity>> read_build(TenantAccess access,
                                                       net::Deadline deadline) {
    // The path is open behind the guard, so the token stays at home.
    access.admin_token = Secret{};
    net::HttpRequest request = tenant_request(access, "GET", "/buildinfo");
    request.body_limit = body_bytes_max;
    auto answer = co_await tenant_call(access, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    co_return parse_build(request, *answer);
}

}  // namespace leverd::stack
