// Why: the tag `:latest` is what a rollback moves and what drift is measured against. Registries
// have no compare-and-swap, may serve stale answers and hand out tokens that lack push
// (wire-contracts 4), so digests are verified here and a PUT is sent exactly once.
#pragma once

#include "core/base/secret.hpp"
#include "core/stack/call.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace leverd::stack {

struct RegistryAccess {
    net::HttpTransport* http = nullptr;
    std::string url;                   // "https://ghcr.io"
    std::string user;                  // with `token`: credentials for the token realm
    Secret token;                      // empty: anonymous
    bool allow_private_realm = false;  // a realm on another host or a private address
};

struct TagState {
    std::string digest;  // sha256:..., validated
    std::string media_type;
    net::HttpResponse response;  // without the body
};

struct Manifest {
    std::string digest;  // sha256 of `bytes`, checked against what was asked and what was announced
    std::string media_type;
    std::string bytes;  // exactly as stored; a retag must send these very bytes
};

// What a 401 asks for: 'Bearer realm="...",service="...",scope="..."'.
struct Challenge {
    bool basic = false;
    std::string realm;
    std::string service;
};
std::optional<Challenge> parse_challenge(std::string_view www_authenticate);

// Realm rules of 4.1: https, or the very origin of the registry; another host or a private address
// only when the operator allows it.
Result<std::string> check_realm(const RegistryAccess& access, const std::string& realm);

// One conversation with a registry; tokens live as long as the object and in memory only. Make one
// per look, plan or fire; it must outlive its coroutines. Repository, tag and digest are validated
// before they reach a URL (wrong ones answer wrong_body without a call).
class Registry {
  public:
    explicit Registry(RegistryAccess access);

    // HEAD by tag or digest. 404 is Reason::not_found.
    boost::asio::awaitable<Read<TagState>> head(std::string repository, std::string reference,
                                                net::Deadline deadline);
    // GET by tag or digest, verified. A digest that does not match the bytes is wrong_body.
    boost::asio::awaitable<Read<Manifest>> get(std::string repository, std::string reference,
                                               net::Deadline deadline);
    // GET /v2/<repository>/blobs/<digest>, verified, at most 1 MiB (image configs). A redirect to a
    // storage host is http_redirect: it is not followed.
    boost::asio::awaitable<Read<std::string>> blob(std::string repository, std::string digest,
                                                   net::Deadline deadline);
    // Every tag, over all pages (Link: rel="next" on the same origin), at most 50 pages.
    boost::asio::awaitable<Read<std::vector<std::string>>> tags(std::string repository,
                                                                net::Deadline deadline);
    // Fetches the push token, with read-only calls, so that nothing stands between a last look at a
    // tag and its PUT. nullopt: put() needs nothing more. Otherwise a Problem with sent = false.
    boost::asio::awaitable<std::optional<Problem>> prepare_push(std::string repository,
                                                                std::string tag,
                                                                net::Deadline deadline);
    // Points `tag` at the manifest, after prepare_push() where that was not done yet. The PUT is
    // sent once and never again. Success is 200, 201 or 202 and gives the announced digest (empty
    // when none). A Problem with status 0 and sent is ambiguous; sent = false: nothing was put; a
    // 4xx status: refused for certain. detail says permission_denied when the body does.
    boost::asio::awaitable<Read<std::string>> put(std::string repository, std::string tag,
                                                  Manifest manifest, net::Deadline deadline);

  private:
    boost::asio::awaitable<Read<net::HttpResponse>> send(std::string repository,
                                                         net::HttpRequest request,
                                                         net::Deadline deadline);
    boost::asio::awaitable<std::optional<Problem>> authorize(std::string repository,
                                                             std::string actions,
                                                             Challenge challenge,
                                                             net::Deadline deadline);
    boost::asio::awaitable<std::optional<Problem>> ask_for_push(std::string repository,
                                                                std::string tag,
                                                                net::Deadline deadline);
    void apply_credentials(const std::string& repository, net::HttpRequest& request) const;

    RegistryAccess access_;
    bool basic_ = false;                  // the registry asked for Basic
    std::map<std::string, Secret> pull_;  // bearer by repository
    std::map<std::string, Secret> push_;
    std::set<std::string> prepared_;  // repositories that may be put to as it is
};

}  // namespace leverd::stack
