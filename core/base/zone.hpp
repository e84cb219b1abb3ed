// Why: windows speak in local time, and the rules about daylight saving come from the system's
// time zone data. This is the one place that knows them; everything else reckons in Instants.
#pragma once

#include "core/base/result.hpp"
#include "core/base/time.hpp"

#include <string>

namespace leverd {

struct LocalTime {
    int weekday = 0;        // 0: Monday
    int minute_of_day = 0;  // 0..1439
};

class Zone {
  public:
    Zone() = default;  // UTC
    // "Europe/Berlin"; an unknown name is an Error with the nearest names. Reads the system's data
    // here, so that local() never has to.
    static Result<Zone> find(const std::string& name);

    const std::string& name() const { return name_; }
    LocalTime local(WallTime at) const;
    // "2026-05-06T18:00" as local time of this zone. An Error for a time that daylight saving
    // skips; one that comes twice means the earlier.
    Result<WallTime> parse_local(const std::string& text) const;

  private:
    std::string name_ = "UTC";
    const void* rules_ = nullptr;  // date::time_zone, which lives as long as the process
};

}  // namespace leverd
