// Why: a retag is a conversation with a registry that has state; this one keeps exact bytes, moves
// tags, and can refuse, lose or half-do a PUT on demand.
#pragma once

#include "tests/unit/levers/fake_http.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>

namespace leverd::test {

inline constexpr const char* oci_manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* oci_index = "application/vnd.oci.image.index.v1+json";

enum class Put { ok, lost_after, lost_before, not_sent, bad_digest };

struct FakeRegistry {
    std::map<std::string, std::string> tags;        // "repo:tag" -> digest
    std::map<std::string, std::string> manifests;   // "repo@digest" -> bytes
    std::map<std::string, std::string> types;       // by digest
    std::map<std::string, std::string> blobs;       // by digest
    std::map<std::string, std::deque<int>> status;  // "repo": statuses of the next PUTs, 0 = fine
    std::map<std::string, std::deque<Put>> puts;    // "repo": how the next PUTs go
    std::map<std::string, int> heads;               // "repo": HEAD of its tags answers this
    std::function<void(const std::string& repo)> after_put;

    // An image built then; with an empty `created` its config does not say when.
    std::string image(const std::string& repo, const std::string& seed, const std::string& created);
    // An index over such an image, with an attestation before it.
    std::string index(const std::string& repo, const std::string& seed, const std::string& created);
    std::string add(const std::string& repo, const std::string& bytes, const std::string& type);

    std::optional<net::HttpResult> serve(const net::HttpRequest& request);

  private:
    net::HttpResult put(const std::string& repo, const std::string& tag,
                        const net::HttpRequest& request);
    net::HttpResult manifest(const std::string& repo, const std::string& reference, bool head);
    net::HttpResult list(const std::string& repo);
};

inline constexpr const char* registry_url = "https://registry.test";

}  // namespace leverd::test
