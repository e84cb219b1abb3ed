// Why: the worked day. Offsets are seconds at speed 1; people step in late, so that the day ends
// green even when nobody watches it.
#include "crypto.hpp"
#include "faults.hpp"
#include "story.hpp"

#include <array>
#include <cstdio>
#include <memory>
#include <utility>

namespace sandbox {

namespace {

constexpr const char* kHermes = "molecule-ai/workspace-template-hermes";
constexpr std::array kReplaced{"umbrella", "hooli", "stark"};
constexpr std::array kRestarted{"acme-2", "initech", "wayne", "cyberdyne"};
// A third of the tenants, and none whose users are in the hermes story.
constexpr std::array kBehindOneEdge{"acme", "globex", "wonka", "tyrell"};

using Act = std::function<void(World&)>;
using Check = std::function<bool(const World&)>;

Act fault(json what) {
    return [what = std::move(what)](World& world) {
        json ignored;
        apply_fault(world, what, ignored);
    };
}

void person(World& world, const std::string& effect) {
    world.journal->note("person", effect);
}

bool tag_is_bad(const World& world, const char* repository) {
    return world.registry.is_bad(world.registry.digest(repository));
}

bool hermes_is_back(const World& world) {
    return !tag_is_bad(world, kHermes);
}

bool platform_is_back(const World& world) {
    return !tag_is_bad(world, kPlatform) && !tag_is_bad(world, kPlatformTenant);
}

bool wedged(const World& world, const char* slug) {
    for (const Tenant& tenant : world.tenants) {
        for (const Workspace& workspace : tenant.workspaces) {
            if (tenant.slug == slug && workspace.removed_at == 0 && !workspace.form.empty()) {
                return true;
            }
        }
    }
    return false;
}

// Users replace their hermes workspace: a new one first, then the old one goes.
void replace_hermes(World& world) {
    for (const char* slug : kReplaced) {
        Tenant* tenant = world.tenant(slug);
        Workspace* old = tenant == nullptr ? nullptr : world.workspace_of(*tenant, "hermes");
        if (old == nullptr) {
            continue;
        }
        const std::string id = old->id;
        world.user_provision(*tenant, "hermes");
        // The list may have moved in memory: look the old one up again.
        if (Workspace* gone = world.workspace(*tenant, id)) {
            world.remove(*gone);
            world.journal->note("user", "delete " + id);
        }
    }
}

void restart_hermes(World& world) {
    for (const char* slug : kRestarted) {
        Tenant* tenant = world.tenant(slug);
        Workspace* workspace = tenant == nullptr ? nullptr : world.workspace_of(*tenant, "hermes");
        if (workspace != nullptr) {
            world.restart(*workspace);
            world.journal->note("user", "restart " + workspace->id);
        }
    }
}

void restart_broken(World& world) {
    for (Tenant& tenant : world.tenants) {
        for (Workspace& workspace : tenant.workspaces) {
            if (workspace.removed_at == 0 && world.registry.is_bad(workspace.digest)) {
                world.restart(workspace);
                world.journal->note("user", "restart " + workspace.id);
            }
        }
    }
}

void delete_wedged(World& world) {
    Tenant* tenant = world.tenant("globex");
    for (std::size_t i = 0; tenant != nullptr && i < tenant->workspaces.size(); ++i) {
        Workspace& workspace = tenant->workspaces[i];
        if (workspace.removed_at == 0 && !workspace.form.empty()) {
            world.remove(workspace);
            person(world, "delete " + workspace.id);
            Workspace fresh = workspace;
            fresh.form.clear();
            fresh.removed_at = 0;
            fresh.requests = 0;
            person(world, "create " + world.provision(*tenant, std::move(fresh)).id);
            return;
        }
    }
}

void set_edge(World& world, const char* how) {
    for (const char* slug : kBehindOneEdge) {
        if (Tenant* tenant = world.tenant(slug)) {
            tenant->down = how;
        }
    }
}

void put_back(World& world, const char* repository) {
    const std::string good = world.registry.good_digest(repository);
    world.registry.retag(repository, "latest", good);
    person(world, std::string("tag ") + repository + ":latest " + good);
}

void publish_bad_platform(World& world) {
    const std::string sha7 = random_hex(4).substr(0, 7);
    for (const char* repository : {kPlatform, kPlatformTenant}) {
        json ignored;
        apply_fault(world,
                    json::object({{"kind", "registry_push"},
                                  {"repository", repository},
                                  {"tag", "latest"},
                                  {"sha7", sha7},
                                  {"bad", true}}),
                    ignored);
    }
}

Event at(double seconds, std::string text, Act act) {
    Event event;
    event.at = seconds;
    event.text = std::move(text);
    event.act = std::move(act);
    return event;
}

Event unless(Check check, Event event) {
    event.unless = std::move(check);
    return event;
}

Event when(Check check, Event event) {
    event.when = std::move(check);
    return event;
}

void add_workspace_and_tenant(std::vector<Event>& day) {
    day.push_back(at(0, "all green, freeze captured", {}));
    day.push_back(at(6, "one workspace of globex wedges; a restart will not help",
                     fault(json::object({{"kind", "wedge_workspace"},
                                         {"tenant", "globex"},
                                         {"runtime", "claude-code"},
                                         {"form", "agent_error_ok_row"}}))));
    day.push_back(
        unless([](const World& world) { return !wedged(world, "globex"); },
               at(36, "a person replaces the wedged workspace of globex", delete_wedged)));
    day.push_back(at(17, "tenant acme dies, acme-2 lives", [](World& world) {
        world.modes.redeploy = CallMode{"lost", false};
        if (Tenant* tenant = world.tenant("acme")) {
            tenant->down = "refuse";
        }
    }));
    day.push_back(unless(
        [](const World& world) { return world.tenants.empty() || world.tenants[0].down.empty(); },
        at(43, "a person redeploys acme", [](World& world) {
            world.modes.redeploy = CallMode{};
            if (Tenant* tenant = world.tenant("acme")) {
                world.redeploy(*tenant, "");
                person(world, "redeploy acme");
            }
        })));
    // One redeploy an hour is all that the policy permits, and acme had it.
    day.push_back(at(
        22, "tenant tyrell dies too: the blast radius holds its redeploy",
        fault(json::object({{"kind", "tenant_down"}, {"tenant", "tyrell"}, {"how", "refuse"}}))));
    day.push_back(at(28, "a person redeploys tyrell", [](World& world) {
        if (Tenant* tenant = world.tenant("tyrell")) {
            world.redeploy(*tenant, "");
            person(world, "redeploy tyrell");
        }
    }));
}

void add_edge(std::vector<Event>& day) {
    day.push_back(at(47, "four tenants go dark at once and no image moved: it is the edge",
                     [](World& world) { set_edge(world, "refuse"); }));
    day.push_back(at(51, "a person mends the edge", [](World& world) {
        set_edge(world, "");
        person(world, "edge mended");
    }));
}

void add_stray_publish(std::vector<Event>& day) {
    day.push_back(at(29, "a stray publish moves hermes :latest to a bad image",
                     fault(json::object({{"kind", "registry_push"},
                                         {"repository", kHermes},
                                         {"tag", "latest"},
                                         {"bad", true}}))));
    day.push_back(
        at(30.5, "users of seven tenants start hermes on whatever :latest is", [](World& world) {
            replace_hermes(world);
            restart_hermes(world);
        }));
    day.push_back(unless(hermes_is_back, at(58, "a person puts hermes :latest back",
                                            [](World& world) { put_back(world, kHermes); })));
    // Both wait for the tag; the second starts its five seconds when it is back.
    auto back_since = std::make_shared<std::int64_t>(0);
    day.push_back(
        when(hermes_is_back, at(31, "hermes :latest is back; a user of demo starts a new hermes",
                                [back_since](World& world) {
                                    *back_since = world.now();
                                    if (Tenant* tenant = world.tenant("demo")) {
                                        world.user_provision(*tenant, "hermes");
                                    }
                                })));
    day.push_back(when(
        [back_since](const World& world) {
            return *back_since != 0 && world.now() - *back_since >= 5000;
        },
        at(31, "users restart the broken hermes workspaces", restart_broken)));
}

void add_canvas_and_control_plane(std::vector<Event>& day) {
    const auto canvas = [](const char* mode) {
        return fault(json::object({{"kind", "canvas"}, {"mode", mode}}));
    };
    const auto control_plane = [](const char* mode) {
        return fault(json::object({{"kind", "control_plane"}, {"mode", mode}}));
    };
    day.push_back(at(46, "a chunk of the canvas is gone: it crashes on load", canvas("chunk_404")));
    day.push_back(at(52, "a person rolls the canvas back", canvas("ok")));
    day.push_back(
        at(54, "the control plane answers 5xx, every admin read fails", control_plane("5xx")));
    day.push_back(at(60, "a person rolls the control plane back", control_plane("ok")));
}

void add_platform_and_network(std::vector<Event>& day) {
    const auto network = [](bool up) {
        return fault(json::object({{"kind", "network"}, {"up", up}}));
    };
    day.push_back(at(62, "the platform image moves, five of twelve tenants crash-loop",
                     publish_bad_platform));
    day.push_back(
        when(platform_is_back, at(62.5, "both platform tags are good again, tenants follow", {})));
    day.push_back(at(76, "the box loses its network", network(false)));
    day.push_back(at(80, "the network is back", network(true)));
    day.push_back(
        unless(platform_is_back, at(81, "a person puts both platform tags back", [](World& world) {
                   put_back(world, kPlatform);
                   put_back(world, kPlatformTenant);
               })));
    day.push_back(when([](const World& world) { return world.green(); }, at(84, "green", {})));
}

struct Anchor {
    double seconds;
    int minutes;  // since midnight
};
constexpr std::array kHours{Anchor{0, 480},  Anchor{6, 485},  Anchor{17, 500},
                            Anchor{29, 520}, Anchor{46, 540}, Anchor{54, 550},
                            Anchor{62, 570}, Anchor{76, 600}, Anchor{84, 605}};

}  // namespace

std::string day_clock(double seconds) {
    double minutes = kHours.back().minutes + (seconds - kHours.back().seconds);
    for (std::size_t i = 1; i < kHours.size(); ++i) {
        if (seconds < kHours[i].seconds) {
            const double share =
                (seconds - kHours[i - 1].seconds) / (kHours[i].seconds - kHours[i - 1].seconds);
            minutes = kHours[i - 1].minutes + share * (kHours[i].minutes - kHours[i - 1].minutes);
            break;
        }
    }
    const int whole = static_cast<int>(minutes);
    char text[16];
    std::snprintf(text, sizeof text, "%02d:%02d", whole / 60 % 24, whole % 60);
    return text;
}

std::vector<Event> day_story() {
    std::vector<Event> day;
    add_workspace_and_tenant(day);
    add_stray_publish(day);
    add_edge(day);
    add_canvas_and_control_plane(day);
    add_platform_and_network(day);
    return day;
}

}  // namespace sandbox
