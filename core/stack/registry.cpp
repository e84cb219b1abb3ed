// Why: the manifest calls of wire-contracts 4.2. All four manifest types are accepted everywhere,
// or a registry answers 404 or converts the manifest and its digest with it (4.3).
#include "core/stack/registry.hpp"

#include "core/base/text.hpp"

#include <fmt/format.h>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace leverd::stack {
namespace {

constexpr std::array<std::string_view, 4> manifest_types{
    "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json"};
constexpr std::size_t manifest_bytes_max = 4U << 20;
constexpr std::size_t page_bytes_max = 2U << 20;
constexpr int pages_max = 50;

bool is_manifest_type(std::string_view type) {
    return std::find(manifest_types.begin(), manifest_types.end(), type) != manifest_types.end();
}

// Empty when both may enter a URL, else what is wrong.
std::string name_problem(const std::string& repository, const std::string& reference) {
    if (!is_repository(repository)) {
        return "not a repository name: \"" + sanitize(repository, 100) + "\"";
    }
    if (!is_tag(reference) && !is_digest(reference)) {
        return "neither a tag nor a digest: \"" + sanitize(reference, 100) + "\"";
    }
    return {};
}

net::HttpRequest manifest_request(const RegistryAccess& access, std::string method,
                                  const std::string& repository, const std::string& reference) {
    net::HttpRequest request;
    request.method = std::move(method);
    request.url = join_url(access.url, fmt::format("/v2/{}/manifests/{}", repository, reference));
    request.headers.emplace_back("Accept", fmt::format("{}", fmt::join(manifest_types, ", ")));
    request.body_limit = manifest_bytes_max;
    return request;
}

std::string media_type_of(const net::HttpResponse& response) {
    std::string type = response.header("content-type");
    type.resize(std::min(type.size(), type.find(';')));
    while (!type.empty() && type.back() == ' ') {
        type.pop_back();
    }
    return is_manifest_type(type) ? type : std::string{};
}

// Says which of the names contradict each other, never the bytes.
Problem digest_problem(const net::HttpRequest& request, const net::HttpResponse& response,
                       const std::string& why) {
    Problem problem = problem_of(request, response, Reason::wrong_body);
    problem.detail = describe_without_body(request, response) + "; " + why;
    return problem;
}

// Empty when the bytes are what was asked for and what was announced.
std::string digest_mismatch(const std::string& reference, const net::HttpResponse& response,
                            const std::string& computed) {
    const std::string& announced = response.header("docker-content-digest");
    if (is_digest(reference) && reference != computed) {
        return "the bytes have the digest " + computed + ", not the one asked for";
    }
    if (!announced.empty() && announced != computed) {
        return "the bytes have the digest " + computed + ", not the announced one";
    }
    return {};
}

// The target of rel="next"; empty when there is none.
std::string next_link(const std::string& link) {
    std::size_t at = 0;
    while ((at = link.find('<', at)) != std::string::npos) {
        const auto end = link.find('>', at);
        if (end == std::string::npos) {
            return {};
        }
        const auto stop = std::min(link.size(), link.find('<', end));
        const std::string parameters = link.substr(end, stop - end);
        if (parameters.find("rel=\"next\"") != std::string::npos ||
            parameters.find("rel=next") != std::string::npos) {
            return link.substr(at + 1, end - at - 1);
        }
        at = end;
    }
    return {};
}

// Follows a page's link only to the same list on the same origin.
std::string next_page_url(const std::string& current, const std::string& link) {
    const auto base = boost::urls::parse_uri(current);
    const auto reference = boost::urls::parse_uri_reference(link);
    if (base.has_error() || reference.has_error()) {
        return {};
    }
    boost::urls::url resolved;
    if (boost::urls::resolve(*base, *reference, resolved).has_error() ||
        resolved.encoded_origin() != base->encoded_origin() ||
        resolved.encoded_path() != base->encoded_path()) {
        return {};
    }
    return std::string(resolved.buffer().data(), resolved.buffer().size());
}

void append_tags(const nlohmann::json& body, std::vector<std::string>& tags) {
    const auto list = body.is_object() ? body.find("tags") : body.end();
    if (!body.is_object() || list == body.end() || !list->is_array()) {
        return;
    }
    for (const auto& tag : *list) {
        if (tag.is_string() && is_tag(tag.get_ref<const std::string&>())) {
            tags.push_back(tag.get<std::string>());
        }
    }
}

}  // namespace

Registry::Registry(RegistryAccess access) : access_(std::move(access)) {}

boost::asio::awaitable<Read<net::HttpResponse>> Registry::send(std::string repository,
                                                               net::HttpRequest request,
                                                               net::Deadline deadline) {
    apply_credentials(repository, request);
    auto first = co_await call(access_.http, request, deadline);
    if (first.has_error() || first->status != 401) {
        co_return first;
    }
    const auto challenge = parse_challenge(first->header("www-authenticate"));
    if (!challenge) {
        co_return first;
    }
    auto refused = co_await authorize(repository, "pull", *challenge, deadline);
    if (refused) {
        co_return *refused;
    }
    apply_credentials(repository, request);
    auto second = co_await call(access_.http, request, deadline);
    co_return second;
}

boost::asio::awaitable<Read<TagState>> Registry::head(std::string repository, std::string reference,
                                                      net::Deadline deadline) {
    const std::string wrong = name_problem(repository, reference);
    if (!wrong.empty()) {
        co_return local_problem(Reason::wrong_body, wrong);
    }
    net::HttpRequest request = manifest_request(access_, "HEAD", repository, reference);
    auto answer = co_await send(repository, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    if (answer->status == 404) {
        co_return problem_of(request, *answer, Reason::not_found);
    }
    if (answer->status != 200) {
        co_return problem_of(request, *answer);
    }
    TagState state;
    state.digest = answer->header("docker-content-digest");
    state.media_type = media_type_of(*answer);
    state.response = std::move(*answer);
    if (is_digest(state.digest)) {
        if (is_digest(reference) && reference != state.digest) {
            co_return digest_problem(request, state.response, "another digest than asked for");
        }
        co_return state;
    }
    // A registry may leave the header out of a HEAD; then the bytes tell.
    auto manifest = co_await get(repository, reference, deadline);
    if (manifest.has_error()) {
        co_return manifest.error();
    }
    state.digest = manifest->digest;
    state.media_type = manifest->media_type;
    co_return state;
}

boost::asio::awaitable<Read<Manifest>> Registry::get(std::string repository, std::string reference,
                                                     net::Deadline deadline) {
    const std::string wrong = name_problem(repository, reference);
    if (!wrong.empty()) {
        co_return local_problem(Reason::wrong_body, wrong);
    }
    net::HttpRequest request = manifest_request(access_, "GET", repository, reference);
    auto answer = co_await send(repository, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    if (answer->status == 404) {
        co_return problem_of(request, *answer, Reason::not_found);
    }
    if (answer->status != 200) {
        co_return problem_of(request, *answer);
    }
    Manifest manifest;
    manifest.digest = "sha256:" + sha256_hex(answer->body);
    manifest.media_type = media_type_of(*answer);
    const std::string mismatch = digest_mismatch(reference, *answer, manifest.digest);
    if (!mismatch.empty()) {
        co_return digest_problem(request, *answer, mismatch);
    }
    if (manifest.media_type.empty()) {
        co_return digest_problem(request, *answer, "no manifest media type");
    }
    manifest.bytes = std::move(answer->body);
    co_return manifest;
}

boost::asio::awaitable<Read<std::string>> Registry::blob(std::string repository, std::string digest,
                                                         net::Deadline deadline) {
    if (!is_repository(repository) || !is_digest(digest)) {
        co_return local_problem(Reason::wrong_body, "neither repository nor digest may be odd");
    }
    net::HttpRequest request;
    request.url = join_url(access_.url, fmt::format("/v2/{}/blobs/{}", repository, digest));
    auto answer = co_await send(repository, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    if (answer->status != 200) {
        co_return problem_of(request, *answer);
    }
    const std::string mismatch =
        digest_mismatch(digest, *answer, "sha256:" + sha256_hex(answer->body));
    if (!mismatch.empty()) {
        co_return digest_problem(request, *answer, mismatch);
    }
    co_return good(std::move(answer->body));
}

boost::asio::awaitable<Read<std::vector<std::string>>> Registry::tags(std::string repository,
                                                                      net::Deadline deadline) {
    if (!is_repository(repository)) {
        co_return local_problem(Reason::wrong_body, "not a repository name");
    }
    std::vector<std::string> tags;
    net::HttpRequest request;
    request.url = join_url(access_.url, fmt::format("/v2/{}/tags/list?n=1000", repository));
    request.headers.emplace_back("Accept", "application/json");
    request.body_limit = page_bytes_max;
    for (int page = 0; page < pages_max; ++page) {
        auto answer = co_await send(repository, request, deadline);
        if (answer.has_error()) {
            co_return answer.error();
        }
        auto body = json_of(request, *answer);
        if (body.has_error()) {
            co_return body.error();
        }
        append_tags(*body, tags);
        const std::string link = next_link(answer->header("link"));
        if (link.empty()) {
            std::sort(tags.begin(), tags.end());
            tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
            co_return tags;
        }
        std::string next = next_page_url(request.url, link);
        if (next.empty() || next == request.url) {
            co_return digest_problem(request, *answer, "a next page that leads elsewhere");
        }
        request.url = std::move(next);
    }
    co_return local_problem(Reason::body_too_large, "more pages of tags than can be believed");
}

boost::asio::awaitable<std::optional<Problem>> Registry::ask_for_push(std::string repository,
                                                                      std::string tag,
                                                                      net::Deadline deadline) {
    // Asked without credentials, so that the registry names its realm; /v2/ is the second place to
    // ask, for a registry that lets anyone read.
    net::HttpRequest probe = manifest_request(access_, "HEAD", repository, tag);
    net::HttpRequest root;
    root.url = join_url(access_.url, "/v2/");
    std::array<net::HttpRequest, 2> questions{std::move(probe), std::move(root)};
    for (const net::HttpRequest& request : questions) {
        auto answer = co_await call(access_.http, request, deadline);
        if (answer.has_error()) {
            Problem problem = answer.error();
            problem.sent = false;
            co_return problem;
        }
        if (answer->status != 401) {
            continue;
        }
        const auto challenge = parse_challenge(answer->header("www-authenticate"));
        if (challenge) {
            auto refused = co_await authorize(repository, "pull,push", *challenge, deadline);
            co_return refused;
        }
    }
    co_return std::nullopt;
}

boost::asio::awaitable<std::optional<Problem>> Registry::prepare_push(std::string repository,
                                                                      std::string tag,
                                                                      net::Deadline deadline) {
    if (basic_ || prepared_.contains(repository)) {
        co_return std::nullopt;
    }
    auto refused = co_await ask_for_push(repository, std::move(tag), deadline);
    if (refused) {
        refused->status = 0;
        refused->sent = false;
        co_return refused;
    }
    prepared_.insert(repository);
    co_return std::nullopt;
}

boost::asio::awaitable<Read<std::string>> Registry::put(std::string repository, std::string tag,
                                                        Manifest manifest, net::Deadline deadline) {
    if (!is_repository(repository) || !is_tag(tag)) {
        co_return local_problem(Reason::wrong_body, "neither repository nor tag may be odd");
    }
    if (manifest.digest != "sha256:" + sha256_hex(manifest.bytes) ||
        !is_manifest_type(manifest.media_type)) {
        co_return local_problem(Reason::wrong_body, "the manifest is not the one it claims to be");
    }
    auto refused = co_await prepare_push(repository, tag, deadline);
    if (refused) {
        co_return *refused;
    }
    net::HttpRequest request = manifest_request(access_, "PUT", repository, tag);
    request.headers.clear();
    request.headers.emplace_back("Content-Type", manifest.media_type);
    request.body = std::move(manifest.bytes);
    apply_credentials(repository, request);
    auto answer = co_await call(access_.http, request, deadline);
    const auto took = [](int status) { return status == 200 || status == 201 || status == 202; };
    if (answer.has_error()) {
        // The status says that it is there; the body would say nothing more.
        if (took(answer.error().heard)) {
            co_return good(std::string{});
        }
        co_return answer.error();
    }
    if (!took(answer->status)) {
        co_return problem_of(request, *answer);
    }
    const std::string& announced = answer->header("docker-content-digest");
    co_return good(is_digest(announced) ? announced : std::string{});
}

}  // namespace leverd::stack
