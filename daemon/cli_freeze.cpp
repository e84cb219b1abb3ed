// Why: see cli_freeze.hpp.
#include "daemon/cli_freeze.hpp"

#include "config/load.hpp"
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "core/net/clock.hpp"
#include "core/net/http.hpp"
#include "core/stack/forge.hpp"
#include "core/stack/receipt.hpp"
#include "core/stack/receipt_write.hpp"
#include "core/stack/registry.hpp"
#include "daemon/cli_client.hpp"
#include "daemon/cli_tables.hpp"
#include "daemon/rules.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace leverd::cli {
namespace {

using nlohmann::json;

constexpr Millis read_within{60'000};

Report failed(Exit code, const std::string& what, const std::string& hint) {
    Report out;
    out.code = code;
    out.err = fmt::format("leverd: {}\n", what);
    out.err += hint.empty() ? "" : fmt::format("  next: {}\n", hint);
    return out;
}

// Every image that a receipt has to name, in the order of the config.
std::vector<std::string> images_of(const config::Registry& registry) {
    auto images = registry.images;
    for (const auto& one : {registry.platform_image, registry.platform_tenant_image}) {
        if (!one.empty() && std::find(images.begin(), images.end(), one) == images.end()) {
            images.push_back(one);
        }
    }
    return images;
}

struct Tag {
    std::string digest;
    std::string problem;  // why there is no digest
};
using Tags = std::map<std::string, Tag>;

boost::asio::awaitable<void> read_tags(stack::Registry* registry, std::vector<std::string> images,
                                       Tags* tags, net::Deadline deadline) {
    for (const auto& image : images) {
        auto state = co_await registry->head(image, "latest", deadline);
        Tag tag;
        if (state.has_value()) {
            tag.digest = state->digest;
        } else {
            tag.problem = state.error().detail;
        }
        (*tags)[image] = std::move(tag);
    }
}

using WorkflowKey = std::pair<std::string, std::string>;  // owner/repo, file

struct WorkflowNow {
    std::string state;
    std::string problem;  // why there is no state
};
using Workflows = std::map<WorkflowKey, WorkflowNow>;

// Every workflow that the config or the receipt in force knows, first to last.
boost::system::result<std::vector<WorkflowKey>, Error> workflows_of(const config::Config& config) {
    std::vector<WorkflowKey> keys;
    if (!config.freeze.workflows_receipt.empty()) {
        auto receipt = stack::read_workflow_receipt(config.freeze.workflows_receipt);
        if (receipt.has_error()) {
            return receipt.error();
        }
        keys = std::move(receipt->workflows);
    }
    for (const auto& text : config.forge.writers) {
        const auto colon = text.find(": ");
        WorkflowKey key{text.substr(0, colon), text.substr(colon + 2)};
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
            keys.push_back(std::move(key));
        }
    }
    return keys;
}

boost::asio::awaitable<void> read_workflows(stack::Forge* forge, std::vector<WorkflowKey> keys,
                                            Workflows* workflows, net::Deadline deadline) {
    for (const auto& key : keys) {
        auto read = co_await forge->workflow(key.first, key.second, deadline);
        WorkflowNow now;
        if (read.has_value()) {
            now.state = read->state;
        } else {
            now.problem = read.error().detail;
        }
        (*workflows)[key] = std::move(now);
    }
}

// What is asked of the outside, one after the other.
struct Outside {
    stack::Registry* registry = nullptr;
    stack::Forge* forge = nullptr;  // null: the forge is not asked
};

struct Loaded {
    config::Config config;
    std::vector<std::string> images;
    Tags tags;
    std::vector<WorkflowKey> keys;
    Workflows workflows;
};

boost::asio::awaitable<void> read_all(Outside outside, Loaded* loaded, net::Deadline deadline) {
    co_await read_tags(outside.registry, loaded->images, &loaded->tags, deadline);
    if (outside.forge != nullptr) {
        co_await read_workflows(outside.forge, loaded->keys, &loaded->workflows, deadline);
    }
}

Secret secret_of(const std::map<std::string, Secret>& secrets, const std::string& name) {
    const auto found = secrets.find(name);
    return found == secrets.end() ? Secret{} : found->second;
}

// The config and what the registry and, for a capture, the forge say now.
boost::system::result<Loaded, Report> look(const FreezeOptions& options, bool with_workflows) {
    auto read = config::load(options.config, vocabulary());
    if (!read.ok()) {
        return failed(Exit::config, "the config is bad", "leverd check --config " + options.config);
    }
    Loaded loaded;
    loaded.config = std::move(read.config);
    loaded.images = images_of(loaded.config.registry);
    if (loaded.images.empty() || loaded.config.registry.url.empty()) {
        return failed(Exit::config, "no image is watched",
                      "set url and images in [stack.registry]");
    }
    auto secrets = config::read_secrets(loaded.config);
    if (secrets.has_error()) {
        return failed(Exit::config, secrets.error().what, secrets.error().hint);
    }
    boost::asio::io_context loop;
    net::TransportOptions transport;
    transport.ca_file = loaded.config.net.ca_file;
    transport.nameservers = loaded.config.net.nameservers;
    transport.user_agent = loaded.config.net.user_agent;
    const auto http = net::make_transport(loop.get_executor(), transport);
    stack::RegistryAccess access;
    access.http = http.get();
    access.url = loaded.config.registry.url;
    access.user = loaded.config.registry.user;
    access.allow_private_realm = loaded.config.registry.allow_private_realm;
    access.token = secret_of(*secrets, loaded.config.registry.token);
    stack::Registry registry(access);
    const auto clock = net::make_system_clock(Instant{}, 0);
    stack::ForgeMemory memory;
    stack::ForgeAccess forge_access;
    forge_access.http = http.get();
    forge_access.url = loaded.config.forge.url;
    forge_access.token = secret_of(*secrets, loaded.config.forge.token);
    forge_access.dialect = stack::find_forge(loaded.config.forge.kind);
    forge_access.memory = &memory;
    forge_access.clock = clock.get();
    stack::Forge forge(forge_access);
    Outside outside{&registry, nullptr};
    if (with_workflows && !loaded.config.forge.url.empty()) {
        auto keys = workflows_of(loaded.config);
        if (keys.has_error()) {
            return failed(Exit::failed, keys.error().what, keys.error().hint);
        }
        loaded.keys = std::move(*keys);
        outside.forge = &forge;
    }
    std::exception_ptr thrown;
    boost::asio::co_spawn(loop, read_all(outside, &loaded, net::deadline_in(read_within)),
                          [&](std::exception_ptr e) {
                              thrown = e;
                              loop.stop();
                          });
    loop.run();
    if (thrown) {
        return failed(Exit::failed, "registry and forge could not be read",
                      "leverd probe image_drift");
    }
    return loaded;
}

std::string shown(const std::string& digest) {
    return digest.empty() ? "-" : digest.substr(0, 19);
}

// What only the running daemon knows of one image; empty: it does not know, either.
struct Known {
    std::string runs;  // the words of its newest look
    std::string good;
};

// nullopt: no daemon answers.
std::optional<Known> ask_daemon(const std::string& socket, const std::string& image) {
    std::string target = "/api/v1/subjects/image%2F";
    for (const char c : image) {
        target += c == '/' ? std::string("%2F") : std::string(1, c);
    }
    const auto answer = call_daemon(socket, "GET", target, "");
    if (answer.has_error()) {
        return std::nullopt;
    }
    Known known;
    const auto body = parse_json(answer->body);
    if (answer->status != 200 || body.has_error()) {
        return known;
    }
    known.good = text_at(*body, "known_good");
    const auto looks = body->find("looks");
    if (looks == body->end() || !looks->is_array()) {
        return known;
    }
    for (const json& look : *looks) {
        const auto facts = look.find("facts");
        if (text_at(look, "probe") != "image_drift" || facts == look.end()) {
            continue;
        }
        const auto count = [&facts](const char* name) {
            const auto found = facts->find(name);
            return found != facts->end() && found->is_number() ? found->get<double>() : 0.0;
        };
        if (count("tenants_told") > 0) {
            const double off = count("tenants_off_tag");
            known.runs = off > 0 ? fmt::format("{:.0f} of {:.0f} tenants run another", off,
                                               count("tenants_told"))
                                 : fmt::format("{:.0f} tenants run it", count("tenants_told"));
        }
    }
    return known;
}

json compare(const Loaded& loaded, const stack::DigestReceipt& receipt) {
    json rows = json::array();
    for (const auto& image : loaded.images) {
        const auto& tag = loaded.tags.at(image);
        const auto wanted = stack::receipt_digest(receipt, image);
        json row = json::object();
        row["image"] = image;
        row["receipt"] = wanted.value_or("");
        row["registry"] = tag.digest;
        row["problem"] = tag.problem;
        row["verdict"] = tag.digest.empty()      ? "unreadable"
                         : !wanted               ? "not in the receipt"
                         : *wanted == tag.digest ? "as frozen"
                                                 : "moved";
        rows.push_back(std::move(row));
    }
    return rows;
}

// True when a daemon answered.
bool add_known(const FreezeOptions& options, json& rows) {
    for (json& row : rows) {
        const auto known = ask_daemon(options.socket, text_at(row, "image"));
        if (!known) {
            return false;
        }
        row["runs"] = known->runs;
        row["known_good"] = known->good;
    }
    return true;
}

// Who drifted, and what to do about it: one line.
std::string conclusion(const json& rows) {
    std::vector<std::string> moved;
    std::string good;
    for (const json& row : rows) {
        if (text_at(row, "verdict") == "moved") {
            moved.push_back(text_at(row, "image"));
            const bool was_good = !text_at(row, "registry").empty() &&
                                  text_at(row, "registry") == text_at(row, "known_good");
            good += was_good ? (good.empty() ? "" : ", ") + moved.back() : std::string{};
        }
    }
    if (moved.empty()) {
        return {};
    }
    return fmt::format(
        "moved since the receipt: {}\n{}next: leverd why image/{}, or capture again if this is "
        "meant\n",
        fmt::join(moved, ", "),
        good.empty() ? std::string{}
                     : "in service while all was well, whatever the receipt says: " + good + "\n",
        moved.front());
}

Report told(const FreezeOptions& options, const json& body, bool daemon) {
    Report out;
    Table table({"image", "receipt", "registry now", "runs", "known good", "verdict"});
    for (const json& row : body["images"]) {
        const std::string verdict = text_at(row, "verdict");
        const std::string problem = text_at(row, "problem");
        const std::string runs = text_at(row, "runs");
        table.add({text_at(row, "image"), shown(text_at(row, "receipt")),
                   shown(text_at(row, "registry")), runs.empty() ? "-" : runs,
                   shown(text_at(row, "known_good")),
                   problem.empty() ? verdict : verdict + ": " + problem});
        out.code = verdict == "as frozen" ? out.code : Exit::failed;
    }
    if (options.json) {
        out.out = dump(body) + "\n";
        return out;
    }
    out.out = table.render(false);
    for (const json& issue : body["unread_lines"]) {
        out.out += fmt::format("line {} of the receipt: {}\n", issue["line"].get<int>(),
                               text_at(issue, "text"));
    }
    if (body["contradictory"].get<bool>()) {
        out.out += "the receipt names two digests for one image: nothing of it is used\n";
        out.code = Exit::failed;
    }
    out.out += conclusion(body["images"]);
    out.out += daemon ? std::string{}
                      : fmt::format(
                            "no leverd answers on {}: what runs and what was last good are not "
                            "known\n",
                            options.socket);
    return out;
}

Report hole(const std::string& what, const std::string& problem) {
    return failed(
        Exit::failed,
        fmt::format("{} cannot be read, so nothing was written: {}", what, sanitize(problem, 300)),
        "a receipt with a hole would be trusted for what it does not say");
}

boost::system::result<std::vector<std::pair<std::string, std::string>>, Report> digest_rows(
    const Loaded& loaded) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& image : loaded.images) {
        const auto& tag = loaded.tags.at(image);
        const std::string key = stack::receipt_key(image);
        if (tag.digest.empty()) {
            return hole(image, tag.problem);
        }
        const bool twice = std::any_of(rows.begin(), rows.end(),
                                       [&](const auto& row) { return row.first == key; });
        if (twice) {
            return failed(Exit::failed, fmt::format("two images have the key {}", key),
                          "the receipt's grammar cannot tell them apart");
        }
        rows.emplace_back(key, tag.digest);
    }
    return rows;
}

}  // namespace

Report freeze_show(const FreezeOptions& options) {
    auto loaded = look(options, false);
    if (loaded.has_error()) {
        return loaded.error();
    }
    const auto& path = loaded->config.freeze.receipt;
    if (path.empty()) {
        return failed(Exit::failed, "no receipt is configured",
                      "leverd freeze capture --dir <directory>, then receipt in [freeze]");
    }
    const auto receipt = stack::read_digest_receipt(path);
    if (receipt.has_error()) {
        return failed(Exit::failed, receipt.error().what, receipt.error().hint);
    }
    json body = json::object();
    body["receipt"] = path;
    body["contradictory"] = receipt->conflicting;
    body["images"] = compare(*loaded, *receipt);
    body["unread_lines"] = json::array();
    for (const auto& issue : receipt->issues) {
        body["unread_lines"].push_back(
            json{{"line", issue.line}, {"text", sanitize(issue.text, 200)}});
    }
    const bool daemon = add_known(options, body["images"]);
    return told(options, body, daemon);
}

Report freeze_capture(const FreezeOptions& options) {
    auto loaded = look(options, true);
    if (loaded.has_error()) {
        return loaded.error();
    }
    const auto digests = digest_rows(*loaded);
    if (digests.has_error()) {
        return digests.error();
    }
    std::vector<WorkflowKey> off;
    std::string on;
    for (const auto& key : loaded->keys) {
        const auto& now = loaded->workflows.at(key);
        if (now.state.empty()) {
            return hole(key.first + ": " + key.second, now.problem);
        }
        if (now.state == "disabled_manually") {
            off.push_back(key);
        } else {
            on += fmt::format("still on, so not in the receipt: {}: {} ({})\n", key.first,
                              key.second, now.state);
        }
    }
    const std::string stamp = stack::receipt_stamp(net::wall_clock_now());
    const auto path = stack::write_new_file(options.directory, "digests-" + stamp + ".txt",
                                            stack::render_digest_receipt(*digests));
    if (path.has_error()) {
        return failed(Exit::failed, path.error().what, path.error().hint);
    }
    Report out;
    json body = json::object();
    body["receipt"] = *path;
    body["images"] = digests->size();
    body["workflows_off"] = off.size();
    out.out = fmt::format("{}: {} images\n", *path, digests->size());
    std::string next = fmt::format("next: receipt = \"{}\"", *path);
    if (!off.empty()) {
        const auto second =
            stack::write_new_file(options.directory, "disabled-workflows-" + stamp + ".txt",
                                  stack::render_workflow_receipt(off));
        if (second.has_error()) {
            return failed(Exit::failed,
                          second.error().what + "; " + *path + " was written and stays alone",
                          second.error().hint);
        }
        body["workflows_receipt"] = *second;
        out.out += fmt::format("{}: {} workflows\n", *second, off.size());
        next += fmt::format(" and workflows_receipt = \"{}\"", *second);
    } else if (loaded->keys.empty()) {
        out.out +=
            "no workflows receipt: neither writers in [stack.forge] nor an older receipt "
            "names a workflow\n";
    }
    out.out += on + next + " in [freeze]\n";
    out.out = options.json ? dump(body) + "\n" : out.out;
    return out;
}

}  // namespace leverd::cli
