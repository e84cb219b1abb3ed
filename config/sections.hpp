// Why: the list of what is read and what is checked, so that load.cpp is the only place with an
// order. Private to config/.
#pragma once

#include "config/reader.hpp"

#include <optional>

namespace leverd::config {

// A table that may be spread over several files, each key written once in all of them.
std::optional<TableReader> open_section(TableReader& parent, std::string_view key,
                                        std::string title);

// The key `url`, to which paths are appended; warns when credentials would go in clear.
void read_base_url(TableReader& t, std::string& out, TextCheck check = a_base_url);

// Each reads its part of one file's root table.
// daemon, ledger, net, secrets, observer, freeze, events, notify, api_token, metrics
void read_daemon_sections(TableReader& root);
void read_stack_sections(TableReader& root);     // stack, tenants, probe, lever
void read_hosting_sections(TableReader& stack);  // stack.railway, stack.vercel
void read_probe(TableReader& root, const toml::table& table);
void read_runbook_sections(TableReader& root);  // runbook, topology, signal
void read_symptom_sections(TableReader& root);  // symptom
void read_policy_sections(TableReader& root);   // policy
void read_window_sections(TableReader& root);   // window, storm, effect, page

// The kinds that every [[probe]] of which has a name and a subject of its own.
const std::vector<std::string>& general_kinds();

// Each looks at what all files said together.
void check_settings(Draft& draft);
void check_hosting(Draft& draft);
void check_runbook(Draft& draft);
void check_policies(Draft& draft);
void check_windows(Draft& draft);
// What is right by itself and odd together: only warnings, and only when there is no error.
void check_fit(Draft& draft);

// The subject kinds that some probe or the topology speaks of.
std::vector<std::string> subject_kinds(const Draft& draft);
// Does a subject of `kind` depend, over any number of steps, on one of kind `above`?
bool depends_on(const Runbook& runbook, const std::string& kind, const std::string& above);
// "tenant" of "tenant/acme" and of "tenant/*".
std::string kind_of(std::string_view subject);

// The keys of a [[lever]] that has a `kind`: one that the operator declares.
void read_general_lever(TableReader& t, LeverSettings& out);

// "https://host:port" of a URL.
std::string origin_of(std::string_view url);
// True when both names mean one secret: the same name, or two names for one source.
bool same_secret(const Config& config, const std::string& a, const std::string& b);

}  // namespace leverd::config
