// Why: what the sandbox leaves in its directory, so that a leverd can be started against it with no
// further setting: the CA, the secrets, the freeze receipts and a whole leverd.toml.
#pragma once

#include "world.hpp"

#include <string>

namespace sandbox {

struct Ports {
    int tls = 0;
    int dns = 0;
    int control = 0;
};

struct Files {
    std::string directory;   // absolute
    std::string config_dir;  // where runbook.toml and policies.toml are
    std::string leverd_listen = "127.0.0.1:9847";
    Ports ports;
    std::string digests_receipt;    // set by write_receipts
    std::string workflows_receipt;  // set by write_receipts
};

// Writes and renames, so that a reader never sees half a file. Throws std::runtime_error.
void write_file(const std::string& path, const std::string& text, unsigned mode);

// Reads a secret file without its trailing newline. Throws std::runtime_error.
std::string read_secret(const std::string& path);

void write_receipts(Files& files, const RegistryStore& registry, std::int64_t wall);
void write_leverd_toml(const Files& files);
// hosting.toml, which is included by nobody: the demo's hosting levers are a person's. A leverd
// that includes it has the credentials for them.
void write_hosting_toml(const Files& files, const World& world);
void write_ports(const Files& files);

}  // namespace sandbox
