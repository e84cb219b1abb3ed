// Why: the small grammars that configuration values follow, apart from TOML itself. Each check says
// what a value must be, so that every section words the same mistake the same way.
#pragma once

#include "core/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace leverd::config {

// "250ms", "30s", "15m", "2h", "3d": one whole number of at most nine digits and one unit.
std::optional<Millis> parse_duration(std::string_view text);

// What is wrong with a value, as the end of the sentence "'key' must be ..."; nullopt: nothing.
using Complaint = std::optional<std::string_view>;
using TextCheck = Complaint (*)(std::string_view value);

Complaint any_text(std::string_view value);          // not empty, no control characters
Complaint optional_text(std::string_view value);     // may be empty, no control characters
Complaint an_id(std::string_view value);             // [a-z0-9][a-z0-9_-]{0,62}
Complaint a_fact_name(std::string_view value);       // [a-z_][a-z0-9_]{0,63}
Complaint a_listen_address(std::string_view value);  // "127.0.0.1:9847", "[::1]:9847"
Complaint a_nameserver(std::string_view value);      // an address, with or without a port
Complaint a_url(std::string_view value);             // http or https, whole
Complaint a_base_url(std::string_view value);        // http or https, to which a path is appended
Complaint a_tenant_url(std::string_view value);      // a base URL with {slug} in it
Complaint an_origin(std::string_view value);         // http or https, host and port only
Complaint a_header_name(std::string_view value);     // letters, digits, '-' and '_'
Complaint a_url_path(std::string_view value);        // "/health", no placeholder
Complaint a_slug_path(std::string_view value);       // "/x/{slug}/y", exactly that placeholder
Complaint a_repository(std::string_view value);      // "molecule-ai/platform"
Complaint a_uuid(std::string_view value);            // 8-4-4-4-12 hex digits
Complaint an_opaque_id(std::string_view value);      // "prj_8aF...", as one part of a path
Complaint a_repository_prefix(std::string_view value);
Complaint a_forge_repository(std::string_view value);  // "Molecule-AI/molecule-core"
Complaint a_workflow_file(std::string_view value);     // "publish-image.yml"
Complaint a_workflow(std::string_view value);          // "Molecule-AI/molecule-core: publish.yml"
Complaint a_branch(std::string_view value);            // "main", "release/1.2"
Complaint a_commit(std::string_view value);            // 7 to 40 lower-case hex digits
Complaint a_slug_glob(std::string_view value);         // "demo-*"
Complaint a_subject_glob(std::string_view value);      // "workspace/demo/*", "*", "**"
Complaint a_subject(std::string_view value);           // "tenant/demo", "control-plane"
Complaint a_parent_pattern(std::string_view value);    // "tenant/{tenant}", "control-plane"
Complaint a_secret_name(std::string_view value);       // [A-Za-z0-9][A-Za-z0-9_.-]{0,63}
Complaint a_credential_name(std::string_view value);
Complaint an_environment_name(std::string_view value);

// True for http to a host that is not this machine: what is sent can be read on the way.
bool sends_in_clear(std::string_view url);
// True for "127.x.y.z:port" and "[::1]:port".
bool listens_on_loopback(std::string_view listen);

}  // namespace leverd::config
