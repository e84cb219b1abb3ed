// Why: see cli_freeze.hpp.
#include "daemon/cli_freeze.hpp"

#include "config/load.hpp"
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "core/net/clock.hpp"
#include "core/net/http.hpp"
#include "core/stack/receipt.hpp"
#include "core/stack/receipt_write.hpp"
#include "core/stack/registry.hpp"
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
#include <utility>
#include <vector>

namespace leverd::cli {
namespace {

using nlohmann::json;

constexpr Millis registry_within{60'000};

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

struct Loaded {
    config::Config config;
    std::vector<std::string> images;
    Tags tags;
};

// The config and what the registry says now.
boost::system::result<Loaded, Report> look(const FreezeOptions& options) {
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
    if (const auto token = secrets->find(loaded.config.registry.token); token != secrets->end()) {
        access.token = token->second;
    }
    stack::Registry registry(access);
    std::exception_ptr thrown;
    boost::asio::co_spawn(
        loop, read_tags(&registry, loaded.images, &loaded.tags, net::deadline_in(registry_within)),
        [&](std::exception_ptr e) {
            thrown = e;
            loop.stop();
        });
    loop.run();
    if (thrown) {
        return failed(Exit::failed, "the registry could not be read", "leverd probe image_drift");
    }
    return loaded;
}

std::string shown(const std::string& digest) {
    return digest.empty() ? "-" : digest.substr(0, 19);
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

}  // namespace

Report freeze_show(const FreezeOptions& options) {
    auto loaded = look(options);
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
    Report out;
    Table table({"image", "receipt", "registry now", "verdict"});
    for (const json& row : body["images"]) {
        const std::string verdict = row["verdict"].get<std::string>();
        const std::string problem = text_at(row, "problem");
        table.add({text_at(row, "image"), shown(text_at(row, "receipt")),
                   shown(text_at(row, "registry")),
                   problem.empty() ? verdict : verdict + ": " + problem});
        out.code = verdict == "as frozen" ? out.code : Exit::failed;
    }
    std::string issues;
    for (const auto& issue : receipt->issues) {
        body["unread_lines"].push_back(json{{"line", issue.line}, {"text", issue.text}});
        issues +=
            fmt::format("line {} of the receipt: {}\n", issue.line, sanitize(issue.text, 200));
    }
    if (receipt->conflicting) {
        issues += "the receipt names two digests for one image: nothing of it is used\n";
        out.code = Exit::failed;
    }
    out.out = options.json
                  ? dump(body) + "\n"
                  : table.render(false) + issues +
                        "what runs in tenants is not told by any interface; new workspaces "
                        "get what the registry says now\n";
    return out;
}

Report freeze_capture(const FreezeOptions& options) {
    auto loaded = look(options);
    if (loaded.has_error()) {
        return loaded.error();
    }
    std::vector<std::pair<std::string, std::string>> lines;
    for (const auto& image : loaded->images) {
        const auto& tag = loaded->tags.at(image);
        const std::string key = stack::receipt_key(image);
        if (tag.digest.empty()) {
            return failed(Exit::failed,
                          fmt::format("{} cannot be read, so nothing was written: {}", image,
                                      sanitize(tag.problem, 300)),
                          "a receipt with a hole would be trusted for what it does not say");
        }
        const bool twice = std::any_of(lines.begin(), lines.end(),
                                       [&](const auto& line) { return line.first == key; });
        if (twice) {
            return failed(Exit::failed, fmt::format("two images have the key {}", key),
                          "the receipt's grammar cannot tell them apart");
        }
        lines.emplace_back(key, tag.digest);
    }
    const std::string name = "digests-" + stack::receipt_stamp(net::wall_clock_now()) + ".txt";
    const auto path =
        stack::write_new_file(options.directory, name, stack::render_digest_receipt(lines));
    if (path.has_error()) {
        return failed(Exit::failed, path.error().what, path.error().hint);
    }
    Report out;
    json body = json::object();
    body["receipt"] = *path;
    body["images"] = lines.size();
    out.out = options.json ? dump(body) + "\n"
                           : fmt::format("{}: {} images\nnext: receipt = \"{}\" in [freeze]\n",
                                         *path, lines.size(), *path);
    return out;
}

}  // namespace leverd::cli
