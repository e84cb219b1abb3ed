// Why: lever D deletes the only place that holds a workspace's secret values. Until the new one has
// them they must outlive this process, and stand nowhere in plain text.
#pragma once

#include "core/base/result.hpp"
#include "core/base/secret.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace leverd {

// What is kept under the id of the intent that needs it.
class SecretSafe {
  public:
    virtual ~SecretSafe() = default;
    // Durable when it returns without an Error; else nothing is kept.
    virtual Result<void> keep(const std::string& intent, const Secret& bytes) = 0;
    // An Error when there is nothing, or it cannot be opened with this key.
    virtual Result<Secret> open(const std::string& intent) const = 0;
    virtual void forget(const std::string& intent) = 0;
    // The intents for which something is kept, sorted.
    virtual std::vector<std::string> kept() const = 0;
};

// One file of mode 0600 per intent in `directory`, encrypted and authenticated (AES-256-GCM) with a
// key that is derived from `key`; a file that was moved to another intent's name does not open.
std::shared_ptr<SecretSafe> make_sealed_files(std::filesystem::path directory, Secret key);

}  // namespace leverd
