// Why: see reload.hpp. The table is the list of all settings; the tests hold it against what the
// readers ask for.
#include "config/reload.hpp"

#include <algorithm>

namespace leverd::config {
namespace {

// Free names, of which each is a key: "*".
constexpr std::string_view any_key = "*";

constexpr KeyReload key_rows[] = {
    {"", "include"},
    {"[daemon]", "state_directory", OnReload::restart, "the ledger in it is open"},
    {"[daemon]", "socket", OnReload::restart, "the command line's socket is bound"},
    {"[daemon]", "listen", OnReload::restart, "the address is bound"},
    {"[daemon]", "api_token"},
    {"[daemon]", "stop_file"},
    {"[daemon]", "log_level"},
    {"[daemon]", "probes_in_flight"},
    {"[daemon]", "mode_ceiling"},
    {"[daemon]", "exec_socket"},
    {"[ledger]", "keep"},
    {"[ledger]", "witness", OnReload::restart, "the ledger is compared with it when it is opened"},
    {"[ledger]", "key", OnReload::restart, "the ledger is open with the one of the start"},
    {"[metrics]", "series_limit"},
    {"[[api_token]]", "name"},
    {"[[api_token]]", "secret"},
    {"[[api_token]]", "role"},
    {"[page]", "group_wait"},
    {"[page]", "group_at"},
    {"[page]", "group_within"},
    {"[page]", "keep_firing_for"},
    {"[page]", "grace_percent"},
    {"[net]", "ca_file"},
    {"[net]", "nameservers"},
    {"[net]", "user_agent"},
    {"[observer]", "references"},
    {"[observer]", "quorum"},
    {"[observer]", "max_lateness"},
    {"[observer]", "max_clock_step"},
    {"[observer]", "dwell"},
    {"[events]", "github"},
    {"[events]", "gitea"},
    {"[events]", "vercel"},
    {"[events]", "railway"},
    {"[events]", "alertmanager"},
    {"[events]", "tenant_stream"},
    {"[events]", "tenant_stream_origin"},
    {"[freeze]", "active"},
    {"[freeze]", "receipt"},
    {"[freeze]", "workflows_receipt"},
    {"[freeze]", "known_good_after"},
    {"[[notify]]", "id"},
    {"[[notify]]", "kind"},
    {"[[notify]]", "url"},
    {"[[notify]]", "secret"},
    {"[[notify]]", "labels"},
    {"[[lever]]", "headers"},
    {"[[lever]]", "statuses"},
    {"[[lever]]", "method"},
    {"[[lever]]", "url"},
    {"[[lever]]", "secret"},
    {"[[lever]]", "secret_header"},
    {"[[lever]]", "body"},
    {"[[lever]]", "observe_url"},
    {"[[lever]]", "observe_status"},
    {"[[lever]]", "observe_text"},
    {"[[lever]]", "argv"},
    {"[[lever]]", "no_effect_exit_codes"},
    {"[[lever]]", "observe_argv"},
    {"[[lever]]", "kind"},
    {"[[lever]]", "id"},
    {"[[lever]]", "title"},
    {"[[lever]]", "subjects"},
    {"[[lever]]", "inverse"},
    {"[[lever]]", "irreversible"},
    {"[[lever]]", "disruptive"},
    {"[[lever]]", "proof_probe"},
    {"[[lever]]", "timeout"},
    {"[[lever]]", "propagation"},
    {"[[lever]]", "prove_every"},
    {"[[lever]]", "proof_spread"},
    {"[[lever]]", "sealing_key"},
    {"[[lever]]", "keeps_token"},
    {"[[policy]]", "cool_down"},
    {"[[policy]]", "attempts"},
    {"[[policy]]", "recurs_within"},
    {"[[policy]]", "per_hour"},
    {"[[policy]]", "per_day"},
    {"[[policy]]", "blast_percent"},
    {"[[policy]]", "blast_count"},
    {"[[policy]]", "approval_ttl"},
    {"[[policy]]", "verify_timeout"},
    {"[[policy]]", "auto_after"},
    {"[[policy]]", "id"},
    {"[[policy]]", "symptom"},
    {"[[policy]]", "lever"},
    {"[[policy]]", "subjects"},
    {"[[policy]]", "mode"},
    {"[[policy]]", "irreversible"},
    {"[[policy]]", "owner"},
    {"[[policy]]", "undo_if_worse"},
    {"[[probe]]", "statuses"},
    {"[[probe]]", "bearer"},
    {"[[probe]]", "user"},
    {"[[probe]]", "password"},
    {"[[probe]]", "json"},
    {"[[probe]]", "url"},
    {"[[probe]]", "method"},
    {"[[probe]]", "body_kib"},
    {"[[probe]]", "fresh_connection"},
    {"[[probe]]", "query"},
    {"[[probe]]", "header"},
    {"[[probe]]", "graphql"},
    {"[[probe]]", "also"},
    {"[[probe]]", "rotated"},
    {"[[probe]]", "max_age"},
    {"[[probe]]", "address"},
    {"[[probe]]", "server_name"},
    {"[[probe]]", "warn_days"},
    {"[[probe]]", "fail_days"},
    {"[[probe]]", "tls"},
    {"[[probe]]", "send"},
    {"[[probe]]", "host"},
    {"[[probe]]", "type"},
    {"[[probe]]", "answers"},
    {"[[probe]]", "only"},
    {"[[probe]]", "absent"},
    {"[[probe]]", "nameserver"},
    {"[[probe]]", "deadline"},
    {"[[probe]]", "command"},
    {"[[probe]]", "directory"},
    {"[[probe]]", "interval"},
    {"[[probe]]", "retry"},
    {"[[probe]]", "timeout"},
    {"[[probe]]", "name"},
    {"[[probe]]", "subject"},
    {"[[probe]]", "kind"},
    {"[[probe]]", "window"},
    {"[[probe]]", "degraded_over"},
    {"[[probe]]", "failing_over"},
    {"[[signal]]", "health"},
    {"[[signal]]", "where"},
    {"[[signal]]", "spread_by"},
    {"[[signal]]", "id"},
    {"[[signal]]", "subject"},
    {"[[signal]]", "probe"},
    {"[[signal]]", "looks"},
    {"[[signal]]", "of"},
    {"[[signal]]", "clear_looks"},
    {"[[signal]]", "spread"},
    {"[[signal]]", "spread_fact"},
    {"[[signal]]", "silent_after"},
    {"[[stack.forge.branch]]", "repository"},
    {"[[stack.forge.branch]]", "branch"},
    {"[[stack.forge.branch]]", "workflow"},
    {"[[stack.forge.branch]]", "commit"},
    {"[[stack.forge.branch]]", "held_base"},
    {"[[symptom]]", "group"},
    {"[[symptom]]", "then"},
    {"[[symptom]]", "lever"},
    {"[[symptom]]", "levers"},
    {"[[symptom]]", "requires_healthy"},
    {"[[symptom]]", "any"},
    {"[[symptom]]", "all"},
    {"[[symptom]]", "not_all"},
    {"[[symptom]]", "unless"},
    {"[[symptom]]", "within"},
    {"[[symptom]]", "id"},
    {"[[symptom]]", "row"},
    {"[[symptom]]", "title"},
    {"[[symptom]]", "first_lever"},
    {"[[symptom]]", "note"},
    {"[[symptom]]", "subject"},
    {"[[symptom]]", "needs_working_sibling"},
    {"[[symptom]]", "dwell"},
    {"[[symptom]]", "severity"},
    {"[[window]]", "days"},
    {"[[window]]", "start"},
    {"[[window]]", "end"},
    {"[[window]]", "zone"},
    {"[[window]]", "expires"},
    {"[[window]]", "id"},
    {"[[window]]", "effect"},
    {"[[window]]", "mute"},
    {"[[window]]", "subjects"},
    {"[[window]]", "levers"},
    {"[[window]]", "owner"},
    {"[[window]]", "reason"},
    {"[effect]", "floor_percent"},
    {"[effect]", "least_verdicts"},
    {"[runbook.flapping]", "window"},
    {"[runbook.flapping]", "start"},
    {"[runbook.flapping]", "stop"},
    {"[runbook]", "fresh_for"},
    {"[runbook]", "gone_after"},
    {"[runbook]", "clearing_time"},
    {"[runbook]", "blind_after"},
    {"[stack.canvas]", "url"},
    {"[stack.canvas]", "marker"},
    {"[stack.canvas]", "assets_max"},
    {"[stack.canvas]", "browser"},
    {"[stack.canvas]", "browser_program"},
    {"[stack.canvas]", "browser_arguments"},
    {"[stack.control_plane]", "url"},
    {"[stack.control_plane]", "admin_token"},
    {"[stack.control_plane]", "health_path"},
    {"[stack.control_plane]", "orgs_path"},
    {"[stack.control_plane]", "login_path"},
    {"[stack.control_plane]", "admin_token_path"},
    {"[stack.control_plane]", "boot_events_path"},
    {"[stack.control_plane]", "redeploy_path"},
    {"[stack.forge]", "url"},
    {"[stack.forge]", "kind"},
    {"[stack.forge]", "token"},
    {"[stack.forge]", "writers"},
    {"[stack.forge]", "branch"},
    {"[stack.railway]", "url"},
    {"[stack.railway]", "project_id"},
    {"[stack.railway]", "environment_id"},
    {"[stack.railway]", "service_id"},
    {"[stack.railway]", "project_token"},
    {"[stack.railway]", "account_token"},
    {"[stack.registry]", "url"},
    {"[stack.registry]", "user"},
    {"[stack.registry]", "token"},
    {"[stack.registry]", "images"},
    {"[stack.registry]", "platform_image"},
    {"[stack.registry]", "platform_tenant_image"},
    {"[stack.registry]", "template_prefix"},
    {"[stack.registry]", "allow_private_realm"},
    {"[stack.vercel]", "url"},
    {"[stack.vercel]", "project_id"},
    {"[stack.vercel]", "team_id"},
    {"[stack.vercel]", "team_slug"},
    {"[stack.vercel]", "token"},
    {"[storm]", "incidents"},
    {"[storm]", "within"},
    {"[storm]", "quiet"},
    {"[storm]", "ramp"},
    {"[symptom.group]", "member"},
    {"[symptom.group]", "min_members"},
    {"[symptom.group]", "distinct"},
    {"[symptom.group]", "min_percent"},
    {"[symptom.group]", "within"},
    {"[symptom.group]", "others_work"},
    {"[symptom.group]", "after_change_of"},
    {"[symptom.group]", "after_change_within"},
    {"[tenants]", "url"},
    {"[tenants]", "include"},
    {"[tenants]", "exclude"},
    {"[tenants]", "requests_per_minute"},
    {"[tenants]", "share_percent"},
    {"[[probe]]", "attributes"},
    {"[[probe]]", "body"},
    {"[[probe]]", "body_not"},
    {"[[probe]]", "degraded"},
    {"[[probe]]", "environment"},
    {"[[probe]]", "expect"},
    {"[[probe]]", "failing"},
    {"[[probe]]", "headers"},
    {"[[probe]]", "healthy"},
    {"[[probe]]", "require_headers"},
    {"[[signal]]", "except_reasons"},
    {"[[signal]]", "reasons"},
    {"[effect]", "window"},
    {"[secrets]", "*"},
    {"[topology]", "*"},
};

std::string shown(const SettingName& name) {
    std::string text = name.table;
    for (const auto* part : {&name.item, &name.key}) {
        if (!part->empty()) {
            text += text.empty() ? *part : " " + *part;
        }
    }
    return text;
}

const std::string* text_of(const Settings& settings, const SettingName& name) {
    const auto found = settings.find(name);
    return found == settings.end() ? nullptr : &found->second;
}

std::vector<SettingName> differing(const Settings& before, const Settings& after) {
    std::vector<SettingName> names;
    const auto collect = [&](const Settings& one, const Settings& other) {
        for (const auto& [name, text] : one) {
            const auto* there = text_of(other, name);
            if (there == nullptr || *there != text) {
                names.push_back(name);
            }
        }
    };
    collect(before, after);
    collect(after, before);
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

}  // namespace

std::span<const KeyReload> reload_table() {
    return key_rows;
}

const KeyReload* find_reload(std::string_view table, std::string_view key) {
    const auto rows = reload_table();
    const auto found = std::ranges::find_if(rows, [&](const KeyReload& row) {
        return row.table == table && (row.key == key || row.key == any_key);
    });
    return found == rows.end() ? nullptr : &*found;
}

std::vector<std::string> changed_keys(const Settings& before, const Settings& after) {
    std::vector<std::string> keys;
    for (const auto& name : differing(before, after)) {
        keys.push_back(shown(name));
    }
    return keys;
}

std::vector<std::string> restart_needed(const Settings& before, const Settings& after) {
    std::vector<std::string> needed;
    for (const auto& name : differing(before, after)) {
        const auto* row = find_reload(name.table, name.key);
        if (row == nullptr || row->on_reload == OnReload::restart) {
            needed.push_back(shown(name) + (row == nullptr ? "" : ": " + std::string(row->why)));
        }
    }
    return needed;
}

}  // namespace leverd::config
