// Why: the order of things: read a file, its sections and what it includes; then settle names; then
// hold everything against everything. Whatever happens, the answer is a list of problems.
#include "config/load.hpp"

#include "config/sections.hpp"
#include "core/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t files_max = 64;

// One file that is being read, so that a circle can be shown.
struct Open {
    fs::path canonical;
    std::string name;
};

class Loader {
  public:
    Loader(Draft& draft, const Instead& instead) : draft_(draft), instead_(instead) {}

    void all(const fs::path& path) {
        file(path, {});
        for (const auto& [part, other] :
             {std::pair{Part::policies, instead_.policies}, {Part::runbook, instead_.runbook}}) {
            if (!other.empty()) {
                part_ = part;
                read_.clear();
                file(other, {});
            }
        }
    }

    // `from` is the include that asked for it; file -1 for the first.
    void file(const fs::path& path, Place from) {
        std::error_code ignored;
        const fs::path canonical = fs::weakly_canonical(path, ignored);
        if (!may_read(canonical, path, from)) {
            return;
        }
        auto source = std::make_unique<SourceFile>();
        source->name = path.string();
        source->folder = fs::absolute(path, ignored).parent_path();
        if (const auto error = read_source(path, *source)) {
            draft_.has_syntax_errors = true;
            unreadable(*error, path, from);
            return;
        }
        read_.push_back(canonical);
        draft_.files.push_back(std::move(source));
        const int index = static_cast<int>(draft_.files.size()) - 1;
        if (const auto error = parse_source(*draft_.files.back())) {
            draft_.has_syntax_errors = true;
            draft_.error({index, error->line, error->column}, error->message, error->hint);
            return;
        }
        open_.push_back({canonical, path.string()});
        sections(index, path.parent_path());
        open_.pop_back();
    }

  private:
    enum class Part { all, policies, runbook };

    static void pass_over(TableReader& root, std::initializer_list<std::string_view> keys) {
        for (const auto key : keys) {
            root.node(key);
        }
    }

    bool may_read(const fs::path& canonical, const fs::path& path, Place from) {
        const auto circle = std::find_if(open_.begin(), open_.end(),
                                         [&](const Open& o) { return o.canonical == canonical; });
        if (circle != open_.end()) {
            std::string names;
            for (auto at = circle; at != open_.end(); ++at) {
                names += fs::path(at->name).filename().string() + " -> ";
            }
            draft_.error(from, "includes go in a circle: " + sanitize(names, 400) +
                                   sanitize(path.filename().string(), 100));
            return false;
        }
        if (std::find(read_.begin(), read_.end(), canonical) != read_.end()) {
            draft_.error(from,
                         fmt::format("{} is included twice", quote(path.filename().string())));
            return false;
        }
        if (open_.size() > static_cast<std::size_t>(include_depth_max)) {
            draft_.error(from, fmt::format("includes go deeper than {}", include_depth_max));
            return false;
        }
        if (read_.size() >= files_max) {
            draft_.error(from, fmt::format("more than {} files", files_max));
            return false;
        }
        return true;
    }

    void unreadable(const SourceError& error, const fs::path& path, Place from) {
        if (from.file >= 0) {
            draft_.error(from, fmt::format("{} {}", quote(path.string()), error.message),
                         error.hint);
            return;
        }
        draft_.error_in(path.string(), error.message, error.hint);
    }

    void sections(int index, const fs::path& folder) {
        TableReader root(draft_, index, *draft_.files[static_cast<std::size_t>(index)]->root, "");
        if (part_ == Part::all) {
            read_daemon_sections(root);
            read_stack_sections(root);
        }
        if (part_ == Part::runbook || (part_ == Part::all && instead_.runbook.empty())) {
            read_runbook_sections(root);
            read_symptom_sections(root);
        } else if (part_ == Part::all) {
            pass_over(root, {"runbook", "topology", "signal", "symptom"});
        }
        if (part_ == Part::policies || (part_ == Part::all && instead_.policies.empty())) {
            read_policy_sections(root);
            read_window_sections(root);
        } else if (part_ == Part::all) {
            pass_over(root, {"policy", "window", "storm", "effect", "page"});
        }
        std::vector<std::string> includes;
        const bool good = root.texts("include", includes, any_text);
        root.finish();
        for (std::size_t i = 0; good && i < includes.size(); ++i) {
            const toml::array& items = *root.raw().get("include")->as_array();
            file((folder / includes[i]).lexically_normal(), root.place(items[i]));
        }
    }

    Draft& draft_;
    const Instead& instead_;
    Part part_ = Part::all;
    std::vector<Open> open_;
    std::vector<fs::path> read_;
};

// What only ever degrades waits for the morning; what fails wakes somebody.
void choose_severities(Draft& draft) {
    Runbook& runbook = draft.config.runbook;
    for (std::size_t i = 0; i < runbook.symptoms.size(); ++i) {
        Symptom& symptom = runbook.symptoms[i];
        if (draft.symptom_places[i].keys.contains("severity")) {
            continue;
        }
        const bool fails =
            std::any_of(runbook.signals.begin(), runbook.signals.end(), [&](const Signal& signal) {
                const auto named = [&](const std::vector<std::string>& ids) {
                    return std::find(ids.begin(), ids.end(), signal.id) != ids.end();
                };
                return (named(symptom.any) || named(symptom.all)) &&
                       (signal.silent_after > Millis{0} ||
                        std::find(signal.bad_health.begin(), signal.bad_health.end(),
                                  Health::failing) != signal.bad_health.end());
            });
        symptom.severity = fails ? Severity::critical : Severity::warning;
    }
}

void complete(Draft& draft) {
    Config& c = draft.config;
    choose_severities(draft);
    if (c.daemon.stop_file.empty()) {
        c.daemon.stop_file = (fs::path(c.daemon.state_directory) / "STOP").string();
    }
    c.policies.ceiling = c.daemon.mode_ceiling;
    c.policies.observer = c.observer.rules;
    c.policies.freeze_active = c.freeze.active;
    std::string all;
    for (const auto& file : draft.files) {
        all += file->text;
        c.files.push_back(file->name);
    }
    c.hash = sha256_hex(all);
    for (const Problem& p : draft.problems) {
        if (p.warning) {
            c.warnings.push_back(render(p));
        }
    }
}

void load_into(Draft& draft, const fs::path& path, const Instead& instead) {
    Loader(draft, instead).all(path);
    // A file that was not read may define whatever is missing here.
    if (!draft.has_syntax_errors) {
        draft.settle_references();
        check_settings(draft);
        check_hosting(draft);
        check_runbook(draft);
        check_policies(draft);
        check_windows(draft);
        check_fit(draft);
    }
    draft.sort_problems();
    complete(draft);
}

}  // namespace

bool Loaded::ok() const {
    return std::all_of(problems.begin(), problems.end(),
                       [](const Problem& p) { return p.warning; });
}

std::string render(const Problem& p) {
    std::string text = p.file;
    if (p.line > 0) {
        text += fmt::format(":{}:{}", p.line, p.column);
    }
    text += fmt::format(": {}: {}", p.warning ? "warning" : "error", p.message);
    if (!p.source_line.empty()) {
        text += "\n    " + p.source_line;
        const std::size_t width = p.source_line.size();
        const auto column = static_cast<std::size_t>(std::max(1, p.column));
        text += "\n    " + std::string(std::min(column, width + 1) - 1, ' ') + "^";
    }
    if (!p.hint.empty()) {
        text += "\nhint: " + p.hint;
    }
    return text;
}

Loaded load(const fs::path& path, const Vocabulary& vocabulary) {
    return load(path, vocabulary, Instead{});
}

Loaded load(const fs::path& path, const Vocabulary& vocabulary, const Instead& instead) {
    Draft draft(vocabulary);
    Loaded loaded;
    try {
        load_into(draft, path, instead);
    } catch (const std::exception& e) {
        // Out of memory, or a fault in the TOML library: nothing of this configuration is used.
        draft.problems.push_back(
            {path.string(), 0, 0, std::string("cannot be loaded: ") + e.what(), "", "", false});
    }
    loaded.config = std::move(draft.config);
    loaded.problems = std::move(draft.problems);
    loaded.settings = std::move(draft.settings);
    loaded.schema = std::move(draft.schema);
    return loaded;
}

}  // namespace leverd::config
