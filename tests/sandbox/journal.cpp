// Why: see journal.hpp.
#include "journal.hpp"

#include "clock.hpp"
#include "crypto.hpp"

#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <stdexcept>

namespace sandbox {

namespace {

constexpr std::size_t kMostEntries = 100'000;
constexpr std::size_t kMostFileBytes = 64U << 20;
constexpr std::size_t kMostBody = 4096;

json visible_headers(const Request& request) {
    static constexpr std::array kShown{"accept",
                                       "content-type",
                                       "if-match",
                                       "if-none-match",
                                       "origin",
                                       "referer",
                                       "user-agent",
                                       "x-molecule-org-id",
                                       "x-watchdog-delivery",
                                       "x-watchdog-signature",
                                       "x-watchdog-timestamp"};
    json out = json::object();
    for (const char* name : kShown) {
        if (const std::string& value = request.header(name); !value.empty()) {
            out[name] = value.substr(0, 512);
        }
    }
    if (const std::string& value = request.header("authorization"); !value.empty()) {
        const std::size_t space = value.find(' ');
        out["authorization"] =
            space == std::string::npos
                ? credential_mark(value)
                : value.substr(0, space + 1) + credential_mark(value.substr(space + 1));
    }
    if (const std::string& value = request.header("project-access-token"); !value.empty()) {
        out["project-access-token"] = credential_mark(value);
    }
    if (const std::string& value = request.header("cookie"); !value.empty()) {
        out["cookie"] = credential_mark(value);
    }
    return out;
}

// A create call carries the secrets of a workspace; their values stay out of the journal.
std::string visible_body(const Request& request) {
    if (request.body.find("\"secrets\"") == std::string::npos) {
        return request.body.substr(0, kMostBody);
    }
    json body = parse(request.body);
    if (!body.is_object()) {
        return "(not shown)";
    }
    json& secrets = body["secrets"];
    if (secrets.is_object()) {
        for (auto& [key, value] : secrets.items()) {
            value = credential_mark(value.is_string() ? value.get<std::string>() : dump(value));
        }
    } else {
        secrets = "(not shown)";
    }
    return dump(body).substr(0, kMostBody);
}

}  // namespace

std::string credential_mark(const std::string& secret) {
    return "sha256:" + sha256_hex(secret).substr(0, 12);
}

Journal::Journal(const std::string& path) : path_(path) {
    const mode_t before = umask(0077);
    file_.open(path_, std::ios::trunc);
    umask(before);
    if (!file_) {
        throw std::runtime_error("cannot write " + path_);
    }
}

void Journal::record(const Request& request, const Reply& reply) {
    json line = json::object();
    line["time"] = steady_ms();
    line["at"] = rfc3339(wall_ms());
    line["host"] = request.host;
    line["method"] = request.method;
    line["target"] = request.target.substr(0, 2048);
    const bool silent = reply.wire == Wire::cut || reply.wire == Wire::hang;
    line["status"] = silent ? 0 : reply.status;
    line["headers"] = visible_headers(request);
    if (!request.body.empty()) {
        line["body"] = visible_body(request);
    }
    if (silent) {
        line["reply"] = reply.wire == Wire::cut ? "lost" : "hang";
    }
    if (!reply.effect.empty()) {
        line["effect"] = reply.effect;
    }
    append({request.host, request.method, request.path, !reply.effect.empty(), dump(line)});
}

void Journal::note(const std::string& host, const std::string& effect, const json& extra) {
    json line = extra.is_object() ? extra : json::object();
    line["time"] = steady_ms();
    line["at"] = rfc3339(wall_ms());
    line["host"] = host;
    if (!effect.empty()) {
        line["effect"] = effect;
    }
    append({host, text_of(line, "method"), text_of(line, "target"), !effect.empty(), dump(line)});
}

std::string Journal::list(const Filter& filter) const {
    std::string out = "[";
    for (const Entry& entry : entries_) {
        if ((!filter.host.empty() && entry.host != filter.host) ||
            (!filter.method.empty() && entry.method != filter.method) ||
            !entry.path.starts_with(filter.path) || (filter.effects_only && !entry.effect)) {
            continue;
        }
        out += out.size() > 1 ? ",\n" : "\n";
        out += entry.text;
    }
    return out + "\n]\n";
}

void Journal::clear() {
    entries_.clear();
}

void Journal::append(Entry entry) {
    file_ << entry.text << '\n';
    file_.flush();
    written_ += entry.text.size() + 1;
    rotate_if_large();
    entries_.push_back(std::move(entry));
    if (entries_.size() > kMostEntries) {
        entries_.pop_front();
    }
}

// A sandbox left running over a weekend must not fill the disk: one older file is kept.
void Journal::rotate_if_large() {
    if (written_ < kMostFileBytes) {
        return;
    }
    file_.close();
    std::rename(path_.c_str(), (path_ + ".1").c_str());
    const mode_t before = umask(0077);
    file_.open(path_, std::ios::trunc);
    umask(before);
    written_ = 0;
}

}  // namespace sandbox
