// Why: a tenant tells of news over its WebSocket (wire-contracts 3.1). Of a frame only the event's
// name is read: it may wake a look, and the look reads the rest from where it can be checked.
#pragma once

#include "core/base/result.hpp"
#include "core/stack/tenant.hpp"

#include <string>
#include <string_view>

namespace leverd::stack {

// The name of the event in one text frame, of the form [A-Z][A-Z0-9_]{0,63}. An Error when it is no
// frame of a tenant; its text quotes nothing of it.
Result<std::string> read_tenant_event(std::string_view frame);

// GET <tenant>/ws with the tenant's org id and `origin` (empty: the tenant's own) and without any
// token: none is asked for, and a workspace id would filter the events.
net::HttpRequest tenant_stream_request(TenantAccess access, const std::string& origin);

}  // namespace leverd::stack
