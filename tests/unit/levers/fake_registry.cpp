// Why: see fake_registry.hpp.
#include "tests/unit/levers/fake_registry.hpp"

#include "core/base/text.hpp"

namespace leverd::test {
namespace {

template <class T>
T next(std::map<std::string, std::deque<T>>& queues, const std::string& key, T fallback) {
    auto& queue = queues[key];
    if (queue.empty()) {
        return fallback;
    }
    const T value = queue.front();
    queue.pop_front();
    return value;
}

}  // namespace

std::string FakeRegistry::add(const std::string& repo, const std::string& bytes,
                              const std::string& type) {
    const std::string digest = "sha256:" + sha256_hex(bytes);
    manifests[repo + "@" + digest] = bytes;
    types[digest] = type;
    return digest;
}

std::string FakeRegistry::image(const std::string& repo, const std::string& seed,
                                const std::string& created) {
    const std::string config = created.empty()
                                   ? "{\"seed\":\"" + seed + "\"}"
                                   : "{\"created\":\"" + created + "\",\"seed\":\"" + seed + "\"}";
    const std::string digest = "sha256:" + sha256_hex(config);
    blobs[digest] = config;
    return add(repo,
               "{ \"schemaVersion\": 2,\n \"config\": {\"digest\":\"" + digest +
                   "\"}, \"repo\":\"" + repo + "\"}\n",
               oci_manifest);
}

std::string FakeRegistry::index(const std::string& repo, const std::string& seed,
                                const std::string& created) {
    const std::string attestation = image(repo, seed + "-att", "");
    const std::string child = image(repo, seed, created);
    return add(repo,
               "{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"" + attestation +
                   "\",\"platform\":{\"os\":\"unknown\"}},{\"digest\":\"" + child +
                   "\",\"platform\":{\"os\":\"linux\"}}]}",
               oci_index);
}

net::HttpResult FakeRegistry::manifest(const std::string& repo, const std::string& reference,
                                       bool head) {
    const auto forced = heads.find(repo);
    if (head && forced != heads.end()) {
        return no_body(forced->second);
    }
    const auto tag = tags.find(repo + ":" + reference);
    const std::string digest = tag == tags.end() ? reference : tag->second;
    const auto bytes = manifests.find(repo + "@" + digest);
    if (bytes == manifests.end()) {
        return answer(404, R"({"errors":[{"code":"MANIFEST_UNKNOWN"}]})");
    }
    net::HttpResponse response;
    response.status = 200;
    response.headers["content-type"] = types[digest];
    response.headers["docker-content-digest"] = digest;
    response.body = head ? std::string{} : bytes->second;
    return response;
}

net::HttpResult FakeRegistry::put(const std::string& repo, const std::string& tag,
                                  const net::HttpRequest& request) {
    const int refused = next(status, repo, 0);
    if (refused != 0) {
        return answer(refused, R"({"errors":[{"code":"DENIED","message":"no"}]})");
    }
    const Put how = next(puts, repo, Put::ok);
    if (how == Put::not_sent) {
        return test::not_sent();
    }
    if (how == Put::lost_before) {
        return lost();
    }
    const std::string digest = "sha256:" + sha256_hex(request.body);
    if (types[digest] != header_of(request, "Content-Type")) {
        return answer(400, R"({"errors":[{"code":"MANIFEST_INVALID"}]})");
    }
    tags[repo + ":" + tag] = digest;
    if (after_put) {
        after_put(repo);
    }
    if (how == Put::lost_after) {
        return lost();
    }
    net::HttpResponse response;
    response.status = 201;
    response.headers["docker-content-digest"] =
        how == Put::bad_digest ? "sha256:" + sha256_hex("other") : digest;
    return response;
}

net::HttpResult FakeRegistry::list(const std::string& repo) {
    std::string all;
    for (const auto& [name, digest] : tags) {
        if (name.starts_with(repo + ":")) {
            all += (all.empty() ? "\"" : ",\"") + name.substr(repo.size() + 1) + "\"";
        }
    }
    return answer(200, "{\"name\":\"" + repo + "\",\"tags\":[" + all + "]}");
}

std::optional<net::HttpResult> FakeRegistry::serve(const net::HttpRequest& request) {
    const std::string base = std::string(registry_url) + "/v2/";
    if (!request.url.starts_with(base)) {
        return std::nullopt;
    }
    const std::string path = request.url.substr(base.size());
    if (path.empty()) {
        return answer(200, "{}");
    }
    if (const auto at = path.find("/tags/list"); at != std::string::npos) {
        return list(path.substr(0, at));
    }
    if (const auto at = path.find("/blobs/"); at != std::string::npos) {
        const auto blob = blobs.find(path.substr(at + 7));
        return blob == blobs.end() ? no_body(404)
                                   : answer(200, blob->second, "application/octet-stream");
    }
    const auto at = path.find("/manifests/");
    if (at == std::string::npos) {
        return std::nullopt;
    }
    const std::string repo = path.substr(0, at);
    const std::string reference = path.substr(at + 11);
    if (request.method == "PUT") {
        return put(repo, reference, request);
    }
    return manifest(repo, reference, request.method == "HEAD");
}

}  // namespace leverd::test
