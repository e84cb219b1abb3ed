// Why: the outside headers that most files read, parsed once per build instead of once per file.
// Nothing may rely on it: the second compiler builds without it, so a missing include is found.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <boost/system/result.hpp>
#include <nlohmann/json.hpp>
