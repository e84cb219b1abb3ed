// Why: the writing half of the exact JSON form. Every member is always written, also when it is
// empty, so that a reader can tell "empty" from "lost".
#include "core/model/codec.hpp"

#include "core/model/enum_names.hpp"
#include "core/model/fields.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace leverd {

namespace {

using nlohmann::json;

class Writer {
  public:
    Writer() : object_(json::object()) {}

    template <class T>
    void operator()(const char* key, const T& value) {
        object_[key] = encode(value);
    }
    template <class T>
    void operator()(const char* key, const T& value, AddedLater) {
        object_[key] = encode(value);
    }
    template <class T>
    void operator()(const char*, const T&, NoLongerWritten) {}
    template <class T>
    void operator()(const char* key, const T& value, WhenSet) {
        if (value != T{}) {
            object_[key] = encode(value);
        }
    }
    json take() { return std::move(object_); }

    template <class T>
    static json encode_struct(const T& value) {
        Writer writer;
        fields(writer, value);
        return writer.take();
    }

  private:
    static json encode(const std::string& s) { return s; }
    static json encode(bool b) { return b; }
    static json encode(std::int64_t n) { return n; }
    static json encode(Instant t) { return to_millis(t); }
    static json encode(WallTime t) { return to_millis(t); }
    static json encode(Millis d) { return d.count(); }
    static json encode(const Subject& s) { return s.text(); }
    static json encode(Reason r) { return std::string(describe(r).name); }

    // JSON has no word for these three, and `null` could not be told from a lost value.
    static json encode(double n) {
        if (std::isnan(n)) {
            return "nan";
        }
        if (std::isinf(n)) {
            return n > 0 ? "inf" : "-inf";
        }
        return n;
    }

    template <class T>
    static json encode(const std::vector<T>& values) {
        json array = json::array();
        for (const T& value : values) {
            array.push_back(encode(value));
        }
        return array;
    }

    template <class T>
    static json encode(const std::map<std::string, T>& values) {
        json object = json::object();
        for (const auto& [key, value] : values) {
            object[key] = encode(value);
        }
        return object;
    }

    template <class T>
    static json encode(const T& value) {
        if constexpr (std::is_enum_v<T>) {
            return std::string(enum_name(value));
        } else {
            return encode_struct(value);
        }
    }

    json object_;
};

}  // namespace

json to_json(const Observation& o) {
    return Writer::encode_struct(o);
}

json to_json(const Plan& p) {
    return Writer::encode_struct(p);
}

json to_json(const GuardVerdict& g) {
    return Writer::encode_struct(g);
}

json to_json(const EntryBody& body) {
    return std::visit([](const auto& b) { return Writer::encode_struct(b); }, body);
}

std::string dump(const json& j) {
    return j.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace leverd
