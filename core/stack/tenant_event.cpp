// Why: see tenant_event.hpp.
#include "core/stack/tenant_event.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace leverd::stack {
namespace {

constexpr int depth_max = 24;
constexpr std::size_t name_bytes_max = 64;

bool is_event_name(std::string_view name) {
    const auto fits = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    return !name.empty() && name.size() <= name_bytes_max && name[0] >= 'A' && name[0] <= 'Z' &&
           std::all_of(name.begin(), name.end(), fits);
}

// Absent or null is as good as right: it is not used.
bool fits(const nlohmann::json& frame, const char* key, bool (*right)(const nlohmann::json&)) {
    const auto found = frame.find(key);
    return found == frame.end() || found->is_null() || right(*found);
}

bool is_text(const nlohmann::json& value) {
    return value.is_string();
}

bool is_id(const nlohmann::json& value) {
    return value.is_string() && (value.get_ref<const std::string&>().empty() ||
                                 is_uuid(value.get_ref<const std::string&>()));
}

}  // namespace

Result<std::string> read_tenant_event(std::string_view frame) {
    const auto body = parse_json(frame, depth_max);
    if (!body || !body->is_object()) {
        return Error{"the frame is no JSON object", {}};
    }
    std::string name = text_at(*body, "event");
    if (!is_event_name(name)) {
        return Error{"the frame names no event", {}};
    }
    if (!fits(*body, "workspace_id", is_id) || !fits(*body, "timestamp", is_text)) {
        return Error{"the frame has a workspace or a time that is none", {}};
    }
    return Result<std::string>(boost::system::in_place_value, std::move(name));
}

net::HttpRequest tenant_stream_request(TenantAccess access, const std::string& origin) {
    access.admin_token = Secret{};
    net::HttpRequest request = tenant_request(access, "GET", "/ws");
    std::erase_if(request.headers, [](const auto& header) { return header.first == "Accept"; });
    for (auto& [name, value] : request.headers) {
        if (name == "Origin" && !origin.empty()) {
            value = origin;
        }
    }
    return request;
}

}  // namespace leverd::stack
