// Why: the one door through which untrusted JSON comes in. It builds the value itself from the
// library's events, so that it stops at once at the depth limit and at the first repeated key, and
// so that an error never quotes what was parsed: that may be a secret.
#include "core/base/text.hpp"
#include "core/model/codec.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace leverd {

namespace {

using nlohmann::json;

constexpr std::size_t key_bytes_shown = 64;

class Builder {
  public:
    explicit Builder(int depth_max) : depth_max_(depth_max) {}

    // The names and signatures of these are the library's SAX interface.
    bool null() { return put(nullptr); }
    bool boolean(bool value) { return put(value); }
    bool number_integer(json::number_integer_t value) { return put(value); }
    bool number_unsigned(json::number_unsigned_t value) { return put(value); }
    bool number_float(json::number_float_t value, const std::string&) { return put(value); }
    bool string(std::string& value) { return put(std::move(value)); }
    bool binary(json::binary_t&) { return fail("binary value"); }
    bool start_object(std::size_t) { return open(json::object()); }
    bool start_array(std::size_t) { return open(json::array()); }
    bool end_object() { return close(); }
    bool end_array() { return close(); }

    bool key(std::string& name) {
        if (open_.back()->contains(name)) {
            return fail(fmt::format("repeated key \"{}\"", sanitize(name, key_bytes_shown)));
        }
        key_ = std::move(name);
        return true;
    }

    bool parse_error(std::size_t position, const std::string&, const json::exception& cause) {
        const bool too_large = cause.id == 406;  // the library's number for "out of range"
        return fail(too_large ? fmt::format("number out of range before byte {}", position)
                              : fmt::format("not valid JSON at byte {}", position));
    }

    Result<json> take(bool complete) {
        if (!complete || !problem_.empty()) {
            return Error{problem_.empty() ? "not valid JSON" : problem_, ""};
        }
        // Spelled out, because the library lets its value convert to anything, an Error too.
        return Result<json>(boost::system::in_place_value, std::move(root_));
    }

  private:
    bool fail(std::string problem) {
        problem_ = std::move(problem);
        return false;
    }

    json* place(json value) {
        if (open_.empty()) {
            root_ = std::move(value);
            return &root_;
        }
        json& parent = *open_.back();
        if (parent.is_array()) {
            parent.push_back(std::move(value));
            return &parent.back();
        }
        json& slot = parent[key_];
        slot = std::move(value);
        return &slot;
    }

    bool put(json value) {
        place(std::move(value));
        return true;
    }

    bool open(json container) {
        if (open_.size() >= static_cast<std::size_t>(std::max(depth_max_, 0))) {
            return fail(fmt::format("nested deeper than {} levels", depth_max_));
        }
        // A pointer to an ancestor stays good: a container does not grow while a child is open.
        open_.push_back(place(std::move(container)));
        return true;
    }

    bool close() {
        open_.pop_back();
        return true;
    }

    int depth_max_;
    json root_;
    std::vector<json*> open_;
    std::string key_;
    std::string problem_;
};

}  // namespace

Result<json> parse_json(std::string_view bytes, int depth_max) {
    // The library takes a zero byte for the end, so what follows it would never be read.
    if (const auto zero = bytes.find('\0'); zero != std::string_view::npos) {
        return Error{fmt::format("not valid JSON at byte {}", zero + 1), ""};
    }
    Builder builder(depth_max);
    const bool complete = json::sax_parse(bytes.begin(), bytes.end(), &builder);
    return builder.take(complete);
}

}  // namespace leverd
