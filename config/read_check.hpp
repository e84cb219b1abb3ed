// Why: one reader per general probe kind; read_probe.cpp has the table of them. Private to config/.
#pragma once

#include "config/checks.hpp"
#include "config/sections.hpp"

namespace leverd::config {

// Each reads the keys of its kind; what is bad is reported and left at its default. `timeout` is
// the probe's.
Check read_http_check(TableReader& t, Millis timeout);
Check read_promql_check(TableReader& t, Millis timeout);
Check read_tls_check(TableReader& t, Millis timeout);
Check read_tcp_check(TableReader& t, Millis timeout);
Check read_dns_check(TableReader& t, Millis timeout);
Check read_heartbeat_check(TableReader& t, Millis timeout);
Check read_command_check(TableReader& t, Millis timeout);
Check read_credential_check(TableReader& t, Millis timeout);

bool read_pattern(TableReader& t, std::string_view key, std::optional<Pattern>& out);
void read_limits(TableReader& t, Millis timeout, Limits& out);
// Every entry of a table of texts: key = { name = "value" }.
void read_texts_by_name(TableReader& t, std::string_view key,
                        const std::function<void(const std::string& name, const std::string& value,
                                                 Place place)>& each);

}  // namespace leverd::config
