// Why: see registry.hpp.
#include "registry.hpp"

#include "clock.hpp"
#include "crypto.hpp"
#include "http.hpp"

namespace sandbox {

namespace {

constexpr std::int64_t kHour = 3'600'000;

// Registries keep bytes, not meaning: an indented document whose key order no serializer would
// produce catches a client that re-encodes what it fetched.
std::string image_bytes(const char* media_type, const std::string& config_digest,
                        std::size_t config_size, const std::string& layer_digest) {
    return "{\n  \"schemaVersion\": 2,\n  \"mediaType\": \"" + std::string(media_type) +
           "\",\n  \"config\": {\n    \"size\": " + std::to_string(config_size) +
           ",\n    \"mediaType\": \"application/vnd.oci.image.config.v1+json\",\n    \"digest\": "
           "\"" +
           config_digest +
           "\"\n  },\n  \"layers\": [\n    {\"size\": 32, \"mediaType\": "
           "\"application/vnd.oci.image.layer.v1.tar+gzip\", \"digest\": \"" +
           layer_digest + "\"}\n  ]\n}";
}

std::string index_bytes(const std::string& child, std::size_t child_size,
                        const std::string& attestation, std::size_t attestation_size) {
    const std::string head = "{\"mediaType\":\"" + std::string(kOciManifest) + "\",\"size\":";
    return "{\n  \"schemaVersion\": 2,\n  \"mediaType\": \"" + std::string(kOciIndex) +
           "\",\n  \"manifests\": [\n    " + head + std::to_string(child_size) + ",\"digest\":\"" +
           child + "\",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}},\n    " + head +
           std::to_string(attestation_size) + ",\"digest\":\"" + attestation +
           "\",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"},"
           "\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"}}\n  ]\n}\n";
}

// One image with its config and layer blobs; answers the digest of its manifest.
std::string add_image(Repository& repository, std::int64_t created_wall, const char* media_type) {
    const std::string layer = random_hex(16);
    const std::string layer_digest = digest_of(layer);
    json config = json::object();
    config["created"] = rfc3339(created_wall);
    config["architecture"] = "amd64";
    config["os"] = "linux";
    config["config"] = json::object();
    config["rootfs"] = json::object({{"type", "layers"}, {"diff_ids", {layer_digest}}});
    const std::string config_text = dump(config);
    const std::string config_digest = digest_of(config_text);
    repository.blobs[layer_digest] = layer;
    repository.blobs[config_digest] = config_text;
    const std::string bytes =
        image_bytes(media_type, config_digest, config_text.size(), layer_digest);
    const std::string digest = digest_of(bytes);
    repository.manifests[digest] = Manifest{media_type, bytes};
    return digest;
}

std::string add_publication(Repository& repository, std::int64_t created_wall) {
    if (!repository.as_index) {
        return add_image(repository, created_wall, kOciManifest);
    }
    const std::string child = add_image(repository, created_wall, kOciManifest);
    const std::string attestation = add_image(repository, created_wall, kOciManifest);
    const std::string bytes =
        index_bytes(child, repository.manifests[child].bytes.size(), attestation,
                    repository.manifests[attestation].bytes.size());
    const std::string digest = digest_of(bytes);
    repository.manifests[digest] = Manifest{kOciIndex, bytes};
    return digest;
}

}  // namespace

std::string digest_of(const std::string& bytes) {
    return "sha256:" + sha256_hex(bytes);
}

void RegistryStore::seed(std::int64_t now_wall) {
    for (const char* name : {kPlatform, kPlatformTenant, kCanvasImage}) {
        repositories_[name] = Repository{};
    }
    for (const char* runtime : {"claude-code", "hermes", "openclaw"}) {
        repositories_[std::string(kTemplatePrefix) + runtime] = Repository{};
    }
    // build-push-action makes an index; the older pipelines push plain manifests. Both are live.
    repositories_[kCanvasImage].as_index = false;
    repositories_[std::string(kTemplatePrefix) + "openclaw"].as_index = false;

    // Three builds exist in both platform repositories; a fourth, later, in one of them only: it
    // must never be chosen for a rollback.
    for (int age = 72; age >= 24; age -= 24) {
        const std::string tag = "staging-" + random_hex(4).substr(0, 7);
        const std::int64_t created = now_wall - age * kHour;
        std::vector<std::string> tags{tag};
        if (age == 24) {
            tags.emplace_back("latest");
        }
        publish(kPlatform, tags, false, created);
        publish(kPlatformTenant, tags, false, created + 60'000);
    }
    publish(kPlatform, {"staging-" + random_hex(4).substr(0, 7)}, false, now_wall - 2 * kHour);

    for (auto& [name, repository] : repositories_) {
        if (name == kPlatform || name == kPlatformTenant) {
            continue;
        }
        publish(name, {"sha-" + random_hex(4).substr(0, 7)}, false, now_wall - 60 * kHour);
        publish(name, {"latest", "sha-" + random_hex(4).substr(0, 7)}, false,
                now_wall - 30 * kHour);
    }
    for (auto& [name, repository] : repositories_) {
        repository.seed_tags = repository.tags;
    }
}

void RegistryStore::restore() {
    for (auto& [name, repository] : repositories_) {
        repository.tags = repository.seed_tags;
        repository.stale_tags.clear();
    }
}

std::string RegistryStore::publish(const std::string& repository,
                                   const std::vector<std::string>& tags, bool bad,
                                   std::int64_t created_wall) {
    Repository* found = find(repository);
    if (found == nullptr) {
        return {};
    }
    const std::string digest = add_publication(*found, created_wall);
    for (const std::string& tag : tags) {
        found->tags[tag] = digest;
    }
    if (bad) {
        bad_.insert(digest);
    }
    return digest;
}

bool RegistryStore::retag(const std::string& repository, const std::string& tag,
                          const std::string& digest) {
    Repository* found = find(repository);
    if (found == nullptr || !found->manifests.contains(digest)) {
        return false;
    }
    found->tags[tag] = digest;
    return true;
}

Repository* RegistryStore::find(const std::string& repository) {
    const auto found = repositories_.find(repository);
    return found == repositories_.end() ? nullptr : &found->second;
}

const Repository* RegistryStore::find(const std::string& repository) const {
    const auto found = repositories_.find(repository);
    return found == repositories_.end() ? nullptr : &found->second;
}

std::string RegistryStore::digest(const std::string& repository, const std::string& tag) const {
    const Repository* found = find(repository);
    if (found == nullptr) {
        return {};
    }
    const auto at = found->tags.find(tag);
    return at == found->tags.end() ? std::string() : at->second;
}

std::string RegistryStore::good_digest(const std::string& repository) const {
    const Repository* found = find(repository);
    if (found == nullptr) {
        return {};
    }
    const auto at = found->seed_tags.find("latest");
    return at == found->seed_tags.end() ? std::string() : at->second;
}

void RegistryStore::freeze_edge() {
    for (auto& [name, repository] : repositories_) {
        repository.stale_tags = repository.tags;
    }
}

void RegistryStore::thaw_edge() {
    for (auto& [name, repository] : repositories_) {
        repository.stale_tags.clear();
    }
}

}  // namespace sandbox
