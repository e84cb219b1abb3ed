// Why: the words of the enumerations and of the entry kinds, as stored and shown.
#include "core/model/codec.hpp"
#include "core/model/entry_kinds.hpp"
#include "core/model/enum_names.hpp"

namespace leverd {

std::string_view to_string(Health h) {
    return enum_name(h);
}
std::string_view to_string(Origin o) {
    return enum_name(o);
}
std::string_view to_string(Mode m) {
    return enum_name(m);
}
std::string_view to_string(Action a) {
    return enum_name(a);
}
std::string_view to_string(OutcomeKind k) {
    return enum_name(k);
}
std::string_view to_string(Took t) {
    return enum_name(t);
}
std::string_view to_string(VerdictKind k) {
    return enum_name(k);
}
std::string_view to_string(Severity s) {
    return enum_name(s);
}
std::string_view to_string(PageStatus s) {
    return enum_name(s);
}
std::string_view to_string(Reversibility r) {
    return enum_name(r);
}
std::string_view to_string(BreakerPhase p) {
    return enum_name(p);
}

std::string_view entry_kind(const EntryBody& body) {
    return entry_kinds[body.index()];
}

}  // namespace leverd
