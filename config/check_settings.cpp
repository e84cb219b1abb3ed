// Why: what the sections must be to each other. A setting that is right by itself may still make a
// probe look at nothing, or leave the daemon without the means to doubt itself.
#include "config/sections.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::config {
namespace {

constexpr std::string_view observer_section = "[observer]";

bool runs(const Config& c, std::string_view kind) {
    return std::any_of(c.probes.begin(), c.probes.end(),
                       [&](const ProbeSettings& p) { return p.kind == kind; });
}

void check_observer(Draft& draft) {
    const Observer& o = draft.config.observer;
    const int count = static_cast<int>(o.references.size());
    if (o.rules.quorum > count) {
        draft.error(
            draft.section_place(observer_section, "quorum"),
            fmt::format("'quorum' is {}, but [observer] has {} references", o.rules.quorum, count),
            "trust would never come");
    }
    if (count > 0 && o.rules.quorum == 0) {
        draft.warn(draft.section_place(observer_section, "references"),
                   "the references are not used: 'quorum' is 0", "set quorum = 1 or more");
    }
    if (count > 0 && !runs(draft.config, "reference")) {
        draft.error(draft.section_place(observer_section, "references"),
                    "nothing looks at the references", "add [[probe]] with kind = \"reference\"");
    }
}

void check_listen(Draft& draft) {
    const Daemon& d = draft.config.daemon;
    const bool no_token = d.api_token.empty() && draft.config.api_tokens.empty();
    if (!listens_on_loopback(d.listen) && no_token) {
        draft.warn(draft.section_place("[daemon]", "listen"),
                   "'listen' is not a loopback address and there is no 'api_token'",
                   "listen on 127.0.0.1, or set api_token: beyond loopback every request needs it");
    }
}

// One secret tells nobody which of two people came, and what is sent elsewhere is known elsewhere.
void check_api_tokens(Draft& draft) {
    const Config& c = draft.config;
    std::vector<std::pair<std::string, std::string>> uses{
        {c.daemon.api_token, "daemon.api_token"},
        {c.control_plane.admin_token, "the control plane"},
        {c.registry.token, "the registry"},
        {c.forge.token, "the forge"}};
    for (const Notify& sink : c.notify) {
        uses.emplace_back(sink.secret, fmt::format("notify '{}'", sink.id));
    }
    for (std::size_t i = 0; i < c.api_tokens.size(); ++i) {
        const ApiTokenSettings& token = c.api_tokens[i];
        for (const auto& [used, where] : uses) {
            if (!token.secret.empty() && same_secret(c, used, token.secret)) {
                draft.error(
                    draft.api_token_places[i].of("secret"),
                    fmt::format("the secret {} also belongs to {}", quote(token.secret), where),
                    "make a secret of its own for each");
                break;
            }
        }
        uses.emplace_back(token.secret, fmt::format("API token '{}'", token.name));
    }
}

void check_secrets(Draft& draft) {
    const Config& c = draft.config;
    const auto& token = c.registry.token;
    if (same_secret(c, c.control_plane.admin_token, token) &&
        origin_of(c.control_plane.url) != origin_of(c.registry.url)) {
        draft.error(draft.section_place("[stack.registry]", "token"),
                    fmt::format("secret {} would be sent to two hosts: {} and {}", quote(token),
                                origin_of(c.control_plane.url), origin_of(c.registry.url)),
                    "make a secret of its own for each");
    }
}

void check_freeze(Draft& draft) {
    const FreezeSettings& f = draft.config.freeze;
    if (f.active && f.receipt.empty()) {
        draft.error(draft.section_place("[freeze]", "active"), "an active freeze needs 'receipt'",
                    "the digests-<TS>.txt that the freeze wrote");
    }
}

void check_events(Draft& draft) {
    const Config& c = draft.config;
    const Events& e = c.events;
    if (!e.tenant_stream_origin.empty() && !e.tenant_stream) {
        draft.warn(draft.section_place("[events]", "tenant_stream_origin"),
                   "'tenant_stream_origin' is not used: there is no stream",
                   "set tenant_stream = true");
    }
    if (!e.tenant_stream) {
        return;
    }
    const Place place = draft.section_place("[events]", "tenant_stream");
    if (c.control_plane.url.empty() || !runs(c, "control_plane")) {
        draft.error(place, "'tenant_stream' needs the list of tenants, which nobody reads",
                    "add url in [stack.control_plane] and [[probe]] with kind = "
                    "\"control_plane\"");
    }
    if (!runs(c, "workspace_status") && !runs(c, "workspace_activity") && !runs(c, "boot_events")) {
        draft.warn(place, "'tenant_stream' wakes nothing: no probe looks at workspaces",
                   "add [[probe]] with kind = \"workspace_status\"");
    }
}

// What a probe kind cannot do without.
struct Need {
    std::string_view kind;
    std::string_view section;
    std::string_view key;
    bool (*met)(const Config&);
    bool warning;  // it runs without, but says less
};

bool has_control_plane(const Config& c) {
    return !c.control_plane.url.empty();
}

constexpr Need needs[] = {
    {"control_plane", "[stack.control_plane]", "url", has_control_plane, false},
    {"control_plane", "[stack.control_plane]", "admin_token",
     [](const Config& c) { return !c.control_plane.admin_token.empty(); }, true},
    {"tenant_health", "[stack.control_plane]", "url", has_control_plane, false},
    {"workspace_status", "[stack.control_plane]", "url", has_control_plane, false},
    {"workspace_activity", "[stack.control_plane]", "url", has_control_plane, false},
    {"boot_events", "[stack.control_plane]", "url", has_control_plane, false},
    {"image_drift", "[stack.registry]", "url",
     [](const Config& c) { return !c.registry.url.empty(); }, false},
    {"image_drift", "[stack.registry]", "images",
     [](const Config& c) { return !c.registry.images.empty(); }, true},
    {"freeze_state", "[stack.forge]", "url", [](const Config& c) { return !c.forge.url.empty(); },
     false},
    {"freeze_state", "[freeze]", "workflows_receipt",
     [](const Config& c) { return !c.freeze.active || !c.freeze.workflows_receipt.empty(); }, true},
    {"forge_ci", "[stack.forge]", "url", [](const Config& c) { return !c.forge.url.empty(); },
     false},
    {"forge_ci", "[stack.forge]", "branch",
     [](const Config& c) { return !c.forge.branches.empty(); }, true},
    {"canvas", "[stack.canvas]", "url", [](const Config& c) { return !c.canvas.url.empty(); },
     false},
    {"canvas", "[stack.canvas]", "marker", [](const Config& c) { return !c.canvas.marker.empty(); },
     true},
};

void check_probe_needs(Draft& draft) {
    for (std::size_t i = 0; i < draft.config.probes.size(); ++i) {
        const Place place = draft.probe_places[i].of("kind");
        for (const Need& need : needs) {
            if (draft.config.probes[i].kind != need.kind || need.met(draft.config)) {
                continue;
            }
            const std::string text =
                fmt::format("probe '{}' needs '{}' in {}", need.kind, need.key, need.section);
            need.warning ? draft.warn(place, text) : draft.error(place, text);
        }
    }
}

void check_watched_images(Draft& draft) {
    const Registry& r = draft.config.registry;
    const auto check = [&](std::string_view key, const std::string& image) {
        if (!image.empty() &&
            std::find(r.images.begin(), r.images.end(), image) == r.images.end()) {
            draft.warn(draft.section_place("[stack.registry]", key),
                       fmt::format("'{}' is not among 'images', so nobody watches it", key));
        }
    };
    check("platform_image", r.platform_image);
    check("platform_tenant_image", r.platform_tenant_image);
}

void check_freshness(Draft& draft) {
    const Runbook& r = draft.config.runbook;
    if (r.gone_after < r.fresh_for) {
        draft.error(draft.section_place("[runbook]", "gone_after"),
                    fmt::format("'gone_after' is shorter than 'fresh_for' (\"{}\")",
                                format_duration(r.fresh_for)));
    }
    for (std::size_t i = 0; i < draft.config.probes.size(); ++i) {
        const ProbeSettings& p = draft.config.probes[i];
        if (p.interval >= r.fresh_for) {
            draft.warn(draft.probe_places[i].of("interval"),
                       fmt::format("looks go stale before the next: 'fresh_for' is \"{}\"",
                                   format_duration(r.fresh_for)),
                       "no lever fires on stale evidence");
        }
    }
}

}  // namespace

void check_settings(Draft& draft) {
    check_observer(draft);
    check_listen(draft);
    check_api_tokens(draft);
    check_freeze(draft);
    check_events(draft);
    check_secrets(draft);
    check_probe_needs(draft);
    check_watched_images(draft);
    check_freshness(draft);
}

}  // namespace leverd::config
