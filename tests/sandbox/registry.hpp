// Why: the images of the played stack: exact bytes by digest, tags that move, and the knowledge of
// which digests are broken. How they are served is in registry_http.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace sandbox {

struct Manifest {
    std::string media_type;
    std::string bytes;
};

struct Repository {
    std::map<std::string, Manifest> manifests;  // by digest
    std::map<std::string, std::string> blobs;   // by digest
    std::map<std::string, std::string> tags;    // tag -> digest
    std::map<std::string, std::string> seed_tags;
    std::map<std::string, std::string> stale_tags;  // what an edge cache still answers
    bool as_index = true;                           // images are pushed as an index
};

inline constexpr const char* kPlatform = "molecule-ai/platform";
inline constexpr const char* kPlatformTenant = "molecule-ai/platform-tenant";
inline constexpr const char* kCanvasImage = "molecule-ai/canvas";
inline constexpr const char* kTemplatePrefix = "molecule-ai/workspace-template-";

class RegistryStore {
  public:
    // Publishes the healthy images; `now_wall` dates them into the past.
    void seed(std::int64_t now_wall);
    // Tags as they were after seed(); digests and their badness are never forgotten.
    void restore();

    // Builds a new image that never existed, moves the tags to it, answers its digest. Empty for an
    // unknown repository.
    std::string publish(const std::string& repository, const std::vector<std::string>& tags,
                        bool bad, std::int64_t created_wall);
    bool retag(const std::string& repository, const std::string& tag, const std::string& digest);

    Repository* find(const std::string& repository);
    const Repository* find(const std::string& repository) const;
    // Digest of a tag; empty when either is unknown.
    std::string digest(const std::string& repository, const std::string& tag = "latest") const;
    std::string good_digest(const std::string& repository) const;  // what seed() published
    bool is_bad(const std::string& digest) const { return bad_.contains(digest); }
    const std::map<std::string, Repository>& all() const { return repositories_; }

    void freeze_edge();  // from now on reads by tag answer what is there now
    void thaw_edge();

  private:
    std::map<std::string, Repository> repositories_;
    std::set<std::string> bad_;
};

// "sha256:<hex>" of the bytes.
std::string digest_of(const std::string& bytes);

inline constexpr const char* kOciIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr const char* kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* kDockerList =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr const char* kDockerManifest =
    "application/vnd.docker.distribution.manifest.v2+json";

}  // namespace sandbox
