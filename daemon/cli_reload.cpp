// Why: who reloads wants to know what runs now: every key that changed, every one that needs a
// restart, or the refusal with the place of each mistake. See cli_verbs.hpp.
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "daemon/cli_client.hpp"
#include "daemon/cli_verbs.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string_view>
#include <vector>

namespace leverd::cli {
namespace {

using nlohmann::json;

constexpr std::size_t line_max = 400;

std::vector<std::string> texts_in(const json& object, const char* key) {
    std::vector<std::string> texts;
    const auto found = object.find(key);
    if (found != object.end() && found->is_array()) {
        for (const auto& item : *found) {
            if (item.is_string()) {
                texts.push_back(item.get<std::string>());
            }
        }
    }
    return texts;
}

// A diagnostic has lines of its own: the place, the source, the caret, the hint.
std::string in_lines(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto end = text.find('\n');
        out += sanitize(text.substr(0, end), line_max) + "\n";
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return out;
}

std::string list(const json& answer, const char* key, std::string_view title) {
    std::string out;
    for (const auto& text : texts_in(answer, key)) {
        out += fmt::format("{}{}", out.empty() ? std::string(title) + ":\n" : "",
                           "  " + in_lines(text));
    }
    return out;
}

// As `leverd check` says them, also where nothing forbids to go on.
std::string warnings(const json& answer) {
    std::string out;
    for (const auto& warning : texts_in(answer, "warnings")) {
        out += in_lines(warning);
    }
    return out;
}

Report refused(const json& answer) {
    Report report;
    report.code = Exit::config;
    for (const auto& problem : texts_in(answer, "problems")) {
        report.err += in_lines(problem);
    }
    report.err += warnings(answer);
    report.err +=
        "leverd: the config on disk was refused and the running one was kept\n"
        "  next: mend it and reload again; until then automatic levers wait\n";
    return report;
}

}  // namespace

Report reload(const CliOptions& options) {
    const auto answer = call_daemon(options.socket, "POST", "/-/reload", "{}");
    Report report;
    if (!answer) {
        const auto& failure = answer.error();
        report.code = failure.code;
        report.err =
            fmt::format("leverd: {}\n  next: {}\n", failure.error.what, failure.error.hint);
        return report;
    }
    const auto body = parse_json(answer->body, 8);
    const bool whole = body.has_value() && body->is_object();
    if (options.json && whole) {
        report.code = answer->status == 200 ? Exit::ok : Exit::config;
        report.out = answer->body + "\n";
        return report;
    }
    if (whole && answer->status == 422) {
        return refused(*body);
    }
    if (!whole || answer->status != 200) {
        const auto error = whole && body->contains("error") && (*body)["error"].is_string()
                               ? (*body)["error"].get<std::string>()
                               : fmt::format("leverd answered {}", answer->status);
        report.code = answer->status == 401 || answer->status == 403 ? Exit::refused : Exit::failed;
        report.err = fmt::format("leverd: {}\n", sanitize(error, line_max));
        return report;
    }
    report.out = texts_in(*body, "changed").empty()
                     ? "reloaded; nothing stands differently\n"
                     : "reloaded\n" + list(*body, "changed", "changed");
    report.out += list(*body, "restart_needed", "needs a restart (systemctl restart leverd)");
    report.out += list(*body, "notes", "not seen by a reload");
    report.err += warnings(*body);
    return report;
}

}  // namespace leverd::cli
