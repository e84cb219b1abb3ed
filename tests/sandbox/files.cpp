// Why: see files.hpp.
#include "files.hpp"

#include "clock.hpp"
#include "http.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace sandbox {

namespace {

[[noreturn]] void fail(const std::string& path) {
    throw std::runtime_error(path + ": " + std::strerror(errno));
}

std::string quoted(const std::string& text) {
    return dump(json(text));  // a JSON string is a TOML basic string
}

std::string stack_part(const Files& files) {
    const std::string port = std::to_string(files.ports.tls);
    const auto url = [&port](const std::string& name) {
        return quoted("https://" + name + ".sandbox.test:" + port);
    };
    std::string out = "[observer]\nreferences = [" + url("ref1") + ", " + url("ref2") + ", " +
                      url("ref3") + "]\nquorum = 2\nmax_lateness = \"1500ms\"\ndwell = \"2s\"\n\n";
    out += "[stack.control_plane]\nurl = " + url("api") + "\nadmin_token = \"cp-admin\"\n\n";
    out += "[stack.canvas]\nurl = " + quoted("https://app.sandbox.test:" + port + "/") +
           "\nmarker = \"__NEXT_DATA__\"\n\n";
    out += "[stack.registry]\nurl = " + url("registry") +
           "\nuser = \"leverd\"\ntoken = \"registry\"\nimages = [\n";
    for (const char* image :
         {"molecule-ai/workspace-template-claude-code", "molecule-ai/workspace-template-hermes",
          "molecule-ai/workspace-template-openclaw", kPlatform, kPlatformTenant, kCanvasImage}) {
        out += "    " + quoted(image) + ",\n";
    }
    out += "]\nplatform_image = " + quoted(kPlatform) +
           "\nplatform_tenant_image = " + quoted(kPlatformTenant) +
           "\ntemplate_prefix = " + quoted(kTemplatePrefix) + "\nallow_private_realm = true\n\n";
    // Looks twice a second need far more than the share that is polite towards a real tenant.
    out += "[tenants]\nurl = " + quoted("https://{slug}.sandbox.test:" + port) +
           "\nrequests_per_minute = 5000\nshare_percent = 100\n\n";
    out += "[freeze]\nactive = true\nreceipt = " + quoted(files.digests_receipt) +
           "\nworkflows_receipt = " + quoted(files.workflows_receipt) + "\n\n";
    out += "[[notify]]\nid = \"pager\"\nkind = \"webhook\"\nurl = " +
           quoted("https://pager.sandbox.test:" + port + "/hook") + "\n\n";
    return out;
}

struct ProbeRow {
    const char* kind;
    const char* interval;
    const char* retry;
    const char* timeout;
    const char* window;
};
constexpr std::array kProbes{
    ProbeRow{"control_plane", "500ms", "200ms", "1500ms", ""},
    ProbeRow{"tenant_health", "500ms", "200ms", "1s", ""},
    ProbeRow{"workspace_status", "500ms", "200ms", "1500ms", ""},
    ProbeRow{"workspace_activity", "1s", "250ms", "2s", "5s"},
    ProbeRow{"boot_events", "2s", "500ms", "1500ms", ""},
    ProbeRow{"image_drift", "500ms", "250ms", "1500ms", ""},
    ProbeRow{"canvas", "500ms", "250ms", "1500ms", ""},
    ProbeRow{"reference", "500ms", "200ms", "1s", ""},
};

struct LeverRow {
    const char* id;
    const char* propagation;
    const char* proof_spread;
};
constexpr std::array kLevers{
    LeverRow{"tenant-redeploy", "1s", "500ms"},     LeverRow{"tenant-restart", "1s", ""},
    LeverRow{"fleet-redeploy", "1s", "500ms"},      LeverRow{"workspace-restart", "500ms", ""},
    LeverRow{"workspace-reprovision", "500ms", ""}, LeverRow{"template-rollback", "500ms", "1s"},
    LeverRow{"platform-rollback", "1s", "1s"},
};

std::string pace_part() {
    std::string out;
    const auto line = [&out](const char* key, const char* value) {
        if (*value != '\0') {
            out += std::string(key) + " = \"" + value + "\"\n";
        }
    };
    for (const ProbeRow& row : kProbes) {
        out += "[[probe]]\n";
        line("kind", row.kind);
        line("interval", row.interval);
        line("retry", row.retry);
        line("timeout", row.timeout);
        line("window", row.window);
        out += '\n';
    }
    for (const LeverRow& row : kLevers) {
        out += "[[lever]]\n";
        line("id", row.id);
        line("timeout", "4s");
        line("propagation", row.propagation);
        line("prove_every", "300ms");
        line("proof_spread", row.proof_spread);
        if (row.id == std::string_view("workspace-restart")) {
            out += "keeps_token = true\n";
        }
        out += '\n';
    }
    return out;
}

}  // namespace

void write_file(const std::string& path, const std::string& text, unsigned mode) {
    const std::string partial = path + ".part";
    const int file = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (file < 0) {
        fail(partial);
    }
    const ssize_t written = ::write(file, text.data(), text.size());
    const bool whole = written == static_cast<ssize_t>(text.size());
    if (::close(file) != 0 || !whole || ::rename(partial.c_str(), path.c_str()) != 0) {
        fail(path);
    }
}

std::string read_secret(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        fail(path);
    }
    std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
        text.pop_back();
    }
    return text;
}

// Both files have the names and lines of the freeze script: no header, no platform images.
void write_receipts(Files& files, const RegistryStore& registry, std::int64_t wall) {
    const std::string stamp = receipt_stamp(wall);
    std::string digests;
    std::string workflows = "Molecule-AI/molecule-core: publish-runtime.yml\n";
    for (const char* runtime : {"claude-code", "hermes", "openclaw"}) {
        const std::string name(runtime);
        digests += name + ": " + registry.good_digest(kTemplatePrefix + name) + "\n";
        workflows += "Molecule-AI/molecule-ai-workspace-template-" + name + ": publish-image.yml\n";
    }
    files.digests_receipt = files.directory + "/digests-" + stamp + ".txt";
    files.workflows_receipt = files.directory + "/disabled-workflows-" + stamp + ".txt";
    write_file(files.digests_receipt, digests, 0644);
    write_file(files.workflows_receipt, workflows, 0644);
}

void write_leverd_toml(const Files& files) {
    const std::string& dir = files.directory;
    std::string out = "# Written by leverd-sandbox: a leverd that watches the sandbox.\n";
    out += "include = [" + quoted(files.config_dir + "/runbook.toml") + ", " +
           quoted(files.config_dir + "/policies.toml") + "]\n\n";
    out += "[daemon]\nstate_directory = " + quoted(dir + "/state") +
           "\nsocket = " + quoted(dir + "/leverd.sock") +
           "\nlisten = " + quoted(files.leverd_listen) +
           "\napi_token = \"api\"\nmode_ceiling = \"auto\"\n\n";
    out += "[net]\nca_file = " + quoted(dir + "/ca.pem") + "\nnameservers = [" +
           quoted("127.0.0.1:" + std::to_string(files.ports.dns)) + "]\n\n";
    out += "[secrets]\ncp-admin = { file = " + quoted(dir + "/cp-admin-token") +
           " }\nregistry = { file = " + quoted(dir + "/registry-token") +
           " }\napi = { file = " + quoted(dir + "/api-token") + " }\n\n";
    write_file(dir + "/leverd.toml", out + stack_part(files) + pace_part(), 0644);
}

void write_hosting_toml(const Files& files, const World& world) {
    const std::string& dir = files.directory;
    const std::string port = std::to_string(files.ports.tls);
    std::string out = "# Written by leverd-sandbox: the credentials of the hosting levers.\n";
    out += "[secrets]\nrailway = { file = " + quoted(dir + "/railway-token") +
           " }\nvercel = { file = " + quoted(dir + "/vercel-token") + " }\n\n";
    out +=
        "[stack.railway]\nurl = " + quoted("https://railway.sandbox.test:" + port + "/graphql/v2") +
        "\nproject_id = " + quoted(world.railway.project_id) +
        "\nenvironment_id = " + quoted(world.railway.environment_id) +
        "\nservice_id = " + quoted(world.railway.service_id) + "\nproject_token = \"railway\"\n\n";
    out += "[stack.vercel]\nurl = " + quoted("https://vercel.sandbox.test:" + port) +
           "\nproject_id = " + quoted(world.vercel.project_id) +
           "\nteam_id = " + quoted(world.vercel.team_id) + "\ntoken = \"vercel\"\n\n";
    for (const char* id : {"control-plane-rollback", "canvas-rollback"}) {
        out += std::string("[[lever]]\nid = \"") + id +
               "\"\ntimeout = \"4s\"\npropagation = \"500ms\"\nprove_every = \"300ms\"\n\n";
    }
    write_file(dir + "/hosting.toml", out, 0644);
}

void write_ports(const Files& files) {
    const json ports = json::object(
        {{"tls", files.ports.tls}, {"dns", files.ports.dns}, {"control", files.ports.control}});
    write_file(files.directory + "/ports.json", dump(ports) + "\n", 0644);
}

}  // namespace sandbox
