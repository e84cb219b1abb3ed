// Why: one place judges whether a list that came from outside may replace the list we know.
#include "core/model/inventory.hpp"

namespace leverd {

InventoryVerdict judge_inventory(std::size_t known, std::size_t next) {
    constexpr std::size_t worth_judging = 4;  // of three tenants, two may really be gone
    if (next == 0 && known > 0) {
        return InventoryVerdict::empty;
    }
    if (known >= worth_judging && next < known && known - next > next) {
        return InventoryVerdict::shrunken;
    }
    return InventoryVerdict::accepted;
}

}  // namespace leverd
