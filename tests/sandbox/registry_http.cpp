// Why: registry.sandbox.test speaks the distribution protocol: bearer tokens from a token server
// that grants less than was asked without saying so, exact bytes, and strict Accept headers.
#include "crypto.hpp"
#include "hosts.hpp"

#include <algorithm>

namespace sandbox {

namespace {

constexpr std::int64_t kTokenLife = 60'000;

struct Grant {
    std::string repository;
    bool push = false;
    std::int64_t until = 0;
};

// Opaque to the client, as real tokens are; the table lives as long as the process.
std::map<std::string, Grant>& grants() {
    static std::map<std::string, Grant> table;
    return table;
}

Reply registry_error(int status, const char* code, const std::string& message) {
    const json item = json::object({{"code", code}, {"message", message}, {"detail", nullptr}});
    Reply reply = json_reply(status, json::object({{"errors", json::array({item})}}));
    reply.headers.emplace_back("Docker-Distribution-Api-Version", "registry/2.0");
    return reply;
}

Reply challenge(const World& world, const std::string& repository, bool push) {
    Reply reply = registry_error(401, "UNAUTHORIZED", "authentication required");
    std::string value =
        "Bearer realm=\"https://registry.sandbox.test:" + std::to_string(world.settings.tls_port) +
        "/token\",service=\"registry.sandbox.test\"";
    if (!repository.empty()) {
        value += ",scope=\"repository:" + repository + (push ? ":pull,push" : ":pull") + "\"";
    }
    reply.headers.emplace_back("WWW-Authenticate", value);
    return reply;
}

Reply token(const World& world, const Request& request) {
    const std::string& header = request.header("authorization");
    bool known = false;
    if (header.starts_with("Basic ")) {
        known = base64_decode(header.substr(6)) ==
                world.settings.registry_user + ":" + world.settings.registry_token;
        if (!known) {
            return registry_error(401, "UNAUTHORIZED", "bad credentials");
        }
    } else if (!header.empty()) {
        return registry_error(401, "UNAUTHORIZED", "unsupported authorization");
    }
    const auto scope = request.query.find("scope");
    Grant grant;
    grant.until = world.now() + kTokenLife;
    if (scope != request.query.end() && scope->second.starts_with("repository:")) {
        const std::string rest = scope->second.substr(11);
        const std::size_t colon = rest.rfind(':');
        grant.repository = rest.substr(0, colon);
        const std::string actions = colon == std::string::npos ? "" : rest.substr(colon + 1);
        grant.push = known && actions.find("push") != std::string::npos;
    }
    std::erase_if(grants(), [&world](const auto& item) { return item.second.until < world.now(); });
    const std::string text = random_hex(20);
    grants()[text] = grant;
    json body = json::object();
    // Both spellings exist; a missing expires_in means 60 seconds.
    body[known ? "access_token" : "token"] = text;
    if (known) {
        body["expires_in"] = kTokenLife / 1000;
    }
    return json_reply(200, body);
}

// Nothing when the call may go on.
std::optional<Reply> refuse(const World& world, const Request& request,
                            const std::string& repository, bool push) {
    const auto found = grants().find(request.bearer());
    if (found == grants().end() || found->second.until < world.now() ||
        found->second.repository != repository) {
        return challenge(world, repository, push);
    }
    if (push && !found->second.push) {
        return registry_error(403, "DENIED", "requested access to the resource is denied");
    }
    return std::nullopt;
}

bool accepts(const Request& request, const std::string& media_type) {
    return request.header("accept").find(media_type) != std::string::npos;
}

bool is_digest(const std::string& reference) {
    return reference.size() == 71 && reference.starts_with("sha256:") &&
           reference.find_first_not_of("0123456789abcdef", 7) == std::string::npos;
}

bool is_tag(const std::string& reference) {
    constexpr std::string_view kFirst =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const std::string kAll = std::string(kFirst) + ".-";
    return !reference.empty() && reference.size() <= 128 &&
           kFirst.find(reference[0]) != std::string_view::npos &&
           reference.find_first_not_of(kAll) == std::string::npos;
}

std::string resolve(const World& world, const Repository& repository,
                    const std::string& reference) {
    if (is_digest(reference)) {
        return reference;
    }
    const auto& tags = world.modes.registry == "stale" ? repository.stale_tags : repository.tags;
    const auto found = tags.find(reference);
    return found == tags.end() ? std::string() : found->second;
}

Reply get_manifest(const World& world, const Repository& repository, const Request& request,
                   const std::string& reference) {
    const std::string digest = resolve(world, repository, reference);
    const auto found = repository.manifests.find(digest);
    if (found == repository.manifests.end()) {
        return registry_error(404, "MANIFEST_UNKNOWN", "manifest unknown");
    }
    const Manifest& manifest = found->second;
    if (!accepts(request, manifest.media_type)) {
        return registry_error(404, "MANIFEST_UNKNOWN",
                              manifest.media_type == kOciIndex
                                  ? "OCI index found, but accept header does not support OCI "
                                    "indexes"
                                  : "OCI manifest found, but accept header does not support OCI "
                                    "manifests");
    }
    const std::string etag = "\"" + digest + "\"";
    Reply reply = text_reply(200, manifest.bytes, manifest.media_type);
    if (request.header("if-none-match") == etag) {
        reply = text_reply(304, "", "");
    }
    reply.headers.emplace_back("Docker-Content-Digest", digest);
    reply.headers.emplace_back("Etag", etag);
    reply.headers.emplace_back("Docker-Distribution-Api-Version", "registry/2.0");
    return reply;
}

bool references_exist(const Repository& repository, const json& body) {
    if (const auto children = body.find("manifests");
        children != body.end() && children->is_array()) {
        return std::all_of(children->begin(), children->end(), [&](const json& child) {
            return repository.manifests.contains(text_of(child, "digest"));
        });
    }
    const auto config = body.find("config");
    return config != body.end() && repository.blobs.contains(text_of(*config, "digest"));
}

Reply put_manifest(World& world, const std::string& name, Repository& repository,
                   const Request& request, const std::string& reference) {
    const std::string& type = request.header("content-type");
    const json body = parse(request.body);
    const std::string digest = digest_of(request.body);
    const bool by_digest = is_digest(reference);
    if (!body.is_object() || (type != kOciIndex && type != kOciManifest && type != kDockerList &&
                              type != kDockerManifest)) {
        return registry_error(400, "MANIFEST_INVALID", "manifest invalid");
    }
    if (text_of(body, "mediaType", type) != type) {
        return registry_error(400, "MANIFEST_INVALID", "media type does not match the manifest");
    }
    if (by_digest ? reference != digest : !is_tag(reference)) {
        return registry_error(400, by_digest ? "DIGEST_INVALID" : "TAG_INVALID", "bad reference");
    }
    if (!references_exist(repository, body)) {
        return registry_error(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry");
    }
    const std::string mode = world.modes.put_manifest.take();
    if (mode == "lost_before_effect") {
        return wire_reply(Wire::cut);
    }
    if (mode == "http_500") {
        return registry_error(500, "UNKNOWN", "internal error");
    }
    if (mode == "403") {
        return registry_error(403, "DENIED", "requested access to the resource is denied");
    }
    Reply reply = mode == "lost" ? wire_reply(Wire::cut) : text_reply(201, "", "");
    if (mode != "noop") {
        repository.manifests[digest] = Manifest{type, request.body};
        if (!by_digest) {
            repository.tags[reference] = digest;
        }
        reply.effect = by_digest ? "put " + name + "@" + digest
                                 : "tag " + name + ":" + reference + " " + digest;
    }
    reply.headers.emplace_back("Location", "/v2/" + name + "/manifests/" + digest);
    reply.headers.emplace_back("Docker-Content-Digest", digest);
    return reply;
}

Reply tags_list(const std::string& name, const Repository& repository, const Request& request) {
    const std::int64_t asked = query_number(request, "n", 0);
    // Pages are short on purpose: a client that forgets Link sees only half.
    const std::size_t page = asked > 0 && asked < 100 ? static_cast<std::size_t>(asked) : 100;
    const auto last = request.query.find("last");
    json tags = json::array();
    std::string newest;
    bool more = false;
    for (const auto& [tag, digest] : repository.tags) {
        if (last != request.query.end() && tag <= last->second) {
            continue;
        }
        if (tags.size() == page) {
            more = true;
            break;
        }
        tags.push_back(tag);
        newest = tag;
    }
    Reply reply = json_reply(200, json::object({{"name", name}, {"tags", tags}}));
    if (more) {
        reply.headers.emplace_back("Link", "</v2/" + name + "/tags/list?last=" + newest +
                                               "&n=" + std::to_string(page) + ">; rel=\"next\"");
    }
    return reply;
}

struct Target {
    std::string repository;
    std::string kind;  // manifests, blobs, tags
    std::string reference;
};

std::optional<Target> read_target(const Request& request) {
    const std::vector<std::string> parts = path_parts(request.path);
    if (parts.size() < 4 || parts[0] != "v2") {
        return std::nullopt;
    }
    Target target;
    target.reference = parts.back();
    target.kind = parts[parts.size() - 2];
    for (std::size_t i = 1; i + 2 < parts.size(); ++i) {
        target.repository += (i > 1 ? "/" : "") + parts[i];
    }
    return target;
}

Reply serve(World& world, const Request& request, const Target& target) {
    const bool read = request.method == "GET" || request.method == "HEAD";
    const bool push = request.method == "PUT";
    if (std::optional<Reply> refused = refuse(world, request, target.repository, push)) {
        return std::move(*refused);
    }
    Repository* repository = world.registry.find(target.repository);
    if (repository == nullptr) {
        return registry_error(404, "NAME_UNKNOWN", "repository name not known to registry");
    }
    if (push && world.modes.registry == "readonly") {
        return registry_error(405, "UNSUPPORTED", "The operation is unsupported.");
    }
    if (read && target.kind == "manifests") {
        return get_manifest(world, *repository, request, target.reference);
    }
    if (push && target.kind == "manifests") {
        return put_manifest(world, target.repository, *repository, request, target.reference);
    }
    if (read && target.kind == "tags" && target.reference == "list") {
        return tags_list(target.repository, *repository, request);
    }
    if (read && target.kind == "blobs") {
        const auto blob = repository->blobs.find(target.reference);
        if (blob == repository->blobs.end()) {
            return registry_error(404, "BLOB_UNKNOWN", "blob unknown to registry");
        }
        Reply reply = text_reply(200, blob->second, "application/octet-stream");
        reply.headers.emplace_back("Docker-Content-Digest", target.reference);
        return reply;
    }
    return registry_error(405, "UNSUPPORTED", "The operation is unsupported.");
}

}  // namespace

Reply registry_host(World& world, const Request& request) {
    const std::string& mode = world.modes.registry;
    if (mode == "down") {
        return wire_reply(Wire::cut);
    }
    if (mode == "5xx") {
        return registry_error(503, "UNAVAILABLE", "service unavailable");
    }
    if (mode == "429") {
        Reply reply = registry_error(429, "TOOMANYREQUESTS", "too many requests");
        reply.headers.emplace_back("Retry-After", "2");
        return reply;
    }
    if (request.path == "/token" && request.method == "GET") {
        return mode == "401" ? registry_error(401, "UNAUTHORIZED", "bad credentials")
                             : token(world, request);
    }
    if (mode == "401") {
        return challenge(world, "", false);
    }
    if (request.path == "/v2/" || request.path == "/v2") {
        return grants().contains(request.bearer()) ? json_reply(200, json::object())
                                                   : challenge(world, "", false);
    }
    if (const std::optional<Target> target = read_target(request)) {
        return serve(world, request, *target);
    }
    return text_reply(404, "404 page not found\n");
}

}  // namespace sandbox
