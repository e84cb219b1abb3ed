// Why: see slot_codec.hpp.
#include "exporters/pager/slot_codec.hpp"

#include "core/base/redact.hpp"
#include "core/model/codec.hpp"

#include <nlohmann/json.hpp>

namespace leverd::exporters {
namespace {

using nlohmann::json;

std::int64_t number_in(const json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() || !found->is_number_integer() ? 0 : found->get<std::int64_t>();
}

// False: it is there and cannot be read.
bool page_in(const json& object, const char* key, std::optional<Paged>& page) {
    const auto found = object.find(key);
    if (found == object.end()) {
        return true;
    }
    auto body = entry_from_json("page", dump(*found));
    if (!body || !std::holds_alternative<Paged>(*body)) {
        return false;
    }
    page = std::get<Paged>(std::move(*body));
    return true;
}

}  // namespace

std::string slot_to_json(const KeptSlot& slot) {
    json out = json::object();
    if (slot.accepted) {
        out["accepted"] = to_json(EntryBody{*slot.accepted});
    }
    if (slot.waiting) {
        out["waiting"] = to_json(EntryBody{*slot.waiting});
    }
    if (slot.waiting_since) {
        out["waiting_at"] = to_millis(slot.waiting_since->at);
        out["waiting_wall"] = to_millis(slot.waiting_since->wall);
    }
    out["changed"] = to_millis(slot.changed);
    return mask_known(dump(out));
}

std::optional<KeptSlot> slot_from_json(const std::string& text) {
    const auto parsed = parse_json(text);
    if (!parsed || !parsed->is_object()) {
        return std::nullopt;
    }
    KeptSlot slot;
    if (!page_in(*parsed, "accepted", slot.accepted) ||
        !page_in(*parsed, "waiting", slot.waiting)) {
        return std::nullopt;
    }
    if (slot.waiting) {
        slot.waiting_since = Now{at_millis(number_in(*parsed, "waiting_at")),
                                 WallTime{Millis{number_in(*parsed, "waiting_wall")}}};
    }
    slot.changed = at_millis(number_in(*parsed, "changed"));
    return slot;
}

std::string known_since_to_json(WallTime since) {
    return dump(json{{"known_since", to_millis(since)}});
}

std::optional<WallTime> known_since_from_json(const std::string& text) {
    const auto parsed = parse_json(text);
    if (!parsed || !parsed->is_object()) {
        return std::nullopt;
    }
    return WallTime{Millis{number_in(*parsed, "known_since")}};
}

}  // namespace leverd::exporters
