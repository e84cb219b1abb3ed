// Why: the sections about the stack that is watched, and how often each probe and lever goes there.
#include "config/sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace leverd::config {
namespace {

using namespace std::chrono_literals;

void read_control_plane(TableReader& stack) {
    auto t = open_section(stack, "control_plane", "[stack.control_plane]");
    if (!t) {
        return;
    }
    ControlPlane& c = stack.draft().config.control_plane;
    read_base_url(*t, c.url);
    t->secret("admin_token", c.admin_token);
    t->text("health_path", c.health_path, a_url_path);
    t->text("orgs_path", c.orgs_path, a_url_path);
    t->text("login_path", c.login_path, a_url_path);
    t->text("admin_token_path", c.admin_token_path, a_slug_path);
    t->text("boot_events_path", c.boot_events_path, a_slug_path);
    t->text("redeploy_path", c.redeploy_path, a_slug_path);
    t->finish();
}

void read_canvas(TableReader& stack) {
    auto t = open_section(stack, "canvas", "[stack.canvas]");
    if (!t) {
        return;
    }
    Canvas& c = stack.draft().config.canvas;
    t->text("url", c.url, a_url);
    t->text("marker", c.marker);
    t->integer("assets_max", c.assets_max, 0, 500);
    t->boolean("browser", c.browser);
    t->path("browser_program", c.browser_program);
    t->texts("browser_arguments", c.browser_arguments, any_text);
    t->finish();
}

void read_registry(TableReader& stack) {
    auto t = open_section(stack, "registry", "[stack.registry]");
    if (!t) {
        return;
    }
    Registry& c = stack.draft().config.registry;
    read_base_url(*t, c.url);
    t->text("user", c.user, optional_text);
    t->secret("token", c.token);
    t->texts("images", c.images, a_repository);
    t->text("platform_image", c.platform_image, a_repository);
    t->text("platform_tenant_image", c.platform_tenant_image, a_repository);
    t->text("template_prefix", c.template_prefix, a_repository_prefix);
    t->boolean("allow_private_realm", c.allow_private_realm);
    t->finish();
}

void read_branch(TableReader& forge, const toml::table& table) {
    TableReader t(forge.draft(), forge.file(), table, "[[stack.forge.branch]]");
    ForgeBranch b;
    t.text("repository", b.repository, a_forge_repository);
    t.text("branch", b.branch, a_branch);
    t.text("workflow", b.workflow, a_workflow_file);
    t.text("commit", b.commit, a_commit);
    t.text("held_base", b.held_base, a_branch);
    t.require({"repository"});
    t.finish();
    forge.draft().config.forge.branches.push_back(std::move(b));
}

void read_forge(TableReader& stack) {
    auto t = open_section(stack, "forge", "[stack.forge]");
    if (!t) {
        return;
    }
    Forge& c = stack.draft().config.forge;
    t->word("kind", c.kind, "forge kind", {"github", "gitea"});
    read_base_url(*t, c.url);
    t->secret("token", c.token);
    t->texts("writers", c.writers, a_workflow);
    t->tables("branch", [&](const toml::table& table) { read_branch(*t, table); });
    t->finish();
}

void read_tenants(TableReader& root) {
    auto t = open_section(root, "tenants", "[tenants]");
    if (!t) {
        return;
    }
    Tenants& c = root.draft().config.tenants;
    read_base_url(*t, c.url, a_tenant_url);
    t->texts("include", c.include, a_slug_glob);
    t->texts("exclude", c.exclude, a_slug_glob);
    t->integer("requests_per_minute", c.requests_per_minute, 1, 6000);
    t->integer("share_percent", c.share_percent, 1, 100);
    t->finish();
}

void read_optional(TableReader& t, std::string_view key, std::optional<Millis>& out, Millis least,
                   Millis most) {
    Millis value{};
    if (t.duration(key, value, least, most)) {
        out = value;
    }
}

void read_lever(TableReader& root, const toml::table& table) {
    Draft& draft = root.draft();
    TableReader t(draft, root.file(), table, "[[lever]]");
    LeverSettings s;
    if (t.has("kind")) {
        read_general_lever(t, s);
    } else if (t.word("id", s.id, "lever", draft.vocabulary().levers)) {
        draft.define(NameKind::lever, s.id, t.place("id"));
    }
    t.duration("timeout", s.timeout, 10ms, 30min);
    read_optional(t, "propagation", s.propagation, 0ms, 6h);
    read_optional(t, "prove_every", s.prove_every, 50ms, 1h);
    read_optional(t, "proof_spread", s.proof_spread, 0ms, 6h);
    if (s.id == "workspace-reprovision") {
        t.secret("sealing_key", s.sealing_key);
    }
    if (s.id == "workspace-restart") {
        t.boolean("keeps_token", s.keeps_token);
    }
    t.require({"id"});
    t.finish();
    draft.config.levers.push_back(std::move(s));
}

}  // namespace

// Paths are appended to a base URL, so its own trailing '/' would double theirs.
void read_base_url(TableReader& t, std::string& out, TextCheck check) {
    if (!t.text("url", out, check)) {
        return;
    }
    while (out.ends_with('/')) {
        out.pop_back();
    }
    if (sends_in_clear(out)) {
        t.draft().warn(t.place("url"), "credentials go over http, readable on the way",
                       "use https");
    }
}

void read_stack_sections(TableReader& root) {
    if (const toml::table* table = root.table("stack")) {
        TableReader stack(root.draft(), root.file(), *table, "[stack]");
        read_control_plane(stack);
        read_canvas(stack);
        read_registry(stack);
        read_hosting_sections(stack);
        read_forge(stack);
        stack.finish();
    }
    read_tenants(root);
    root.tables("probe", [&](const toml::table& table) { read_probe(root, table); });
    root.tables("lever", [&](const toml::table& table) { read_lever(root, table); });
}

}  // namespace leverd::config
