// Why: see scenario.hpp. One function per kind of table, in the order of tests/scenarios/README.md.
#include "config/scenario.hpp"

#include "config/reader.hpp"
#include "core/base/text.hpp"
#include "core/base/zone.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace leverd::config {
namespace {

constexpr Millis week{7LL * 86'400'000};
constexpr std::string_view default_start = "2026-01-05T12:00";

constexpr Choice<Health> health_words[] = {{"healthy", Health::healthy},
                                           {"degraded", Health::degraded},
                                           {"failing", Health::failing},
                                           {"unknown", Health::unknown}};
constexpr Choice<Origin> origin_words[] = {{"target", Origin::target}, {"local", Origin::local}};
constexpr Choice<Action> action_words[] = {{"none", Action::none},
                                           {"hold", Action::hold},
                                           {"recommend", Action::recommend},
                                           {"ask", Action::ask},
                                           {"fire", Action::fire}};
constexpr Choice<OutcomeKind> outcome_words[] = {{"accepted", OutcomeKind::accepted},
                                                 {"refused", OutcomeKind::refused},
                                                 {"failed", OutcomeKind::failed},
                                                 {"unknown", OutcomeKind::unknown}};
constexpr Choice<Took> took_words[] = {
    {"yes", Took::yes}, {"no", Took::no}, {"unclear", Took::unclear}};
constexpr Choice<VerdictKind> verdict_words[] = {{"recovered", VerdictKind::recovered},
                                                 {"not_recovered", VerdictKind::not_recovered},
                                                 {"worse", VerdictKind::worse},
                                                 {"inconclusive", VerdictKind::inconclusive}};

using What = ScenarioSay::What;
// Keys of [[say]] whose value is a text.
struct SayRow {
    std::string_view key;
    What what;
    TextCheck check;
};
constexpr std::array<SayRow, 7> say_rows{{{"stop", What::stop, any_text},
                                          {"resume", What::resume, any_text},
                                          {"veto", What::veto, a_subject_glob},
                                          {"unveto", What::unveto, any_text},
                                          {"approve", What::approve, a_subject},
                                          {"reject", What::reject, a_subject},
                                          {"reload", What::reload, any_text}}};

class ScenarioReader {
  public:
    ScenarioReader(Draft& draft, Scenario& scenario) : draft_(draft), scenario_(scenario) {}

    void read(TableReader& root) {
        scenario_.place = place_of(root.place());
        root.require({"name"});
        root.text("name", scenario_.name);
        root.path("config", scenario_.config);
        root.duration("lasts", scenario_.lasts, Millis{1'000}, week);
        count(root, "incidents", scenario_.incidents);
        count(root, "fired", scenario_.fired);
        std::vector<std::string> pages;
        if (root.texts("pages", pages, any_text)) {
            scenario_.pages = std::move(pages);
        }
        read_clock(root);
        read_what_if(root);
        each(root, "green", [this](TableReader& t) { read_green(t); });
        each(root, "look", [this](TableReader& t) { read_look(t); });
        each(root, "lever", [this](TableReader& t) { read_lever(t); });
        each(root, "say", [this](TableReader& t) { read_say(t); });
        each(root, "expect", [this](TableReader& t) { read_expect(t, false); });
        each(root, "never", [this](TableReader& t) { read_expect(t, true); });
        root.finish();
        if (scenario_.expects.empty() && !scenario_.incidents && !scenario_.fired &&
            !scenario_.pages) {
            draft_.error({0, 0, 0}, "expects nothing, so it cannot fail",
                         "add an [[expect]] or a [[never]], or a count: fired = 0");
        }
    }

  private:
    ScenarioPlace place_of(Place place) const {
        return {draft_.files.front()->name, place.line, place.column};
    }

    template <class Read>
    void each(TableReader& root, std::string_view key, Read read) {
        root.tables(key, [&](const toml::table& table) {
            TableReader reader(draft_, root.file(), table, fmt::format("[[{}]]", key));
            read(reader);
            reader.finish();
        });
    }

    static void count(TableReader& t, std::string_view key, std::optional<int>& out) {
        int value = 0;
        if (t.integer(key, value, 0, 100'000)) {
            out = value;
        }
    }

    static void time(TableReader& t, std::string_view key, std::optional<Millis>& out) {
        Millis value{0};
        if (t.duration(key, value, Millis{0}, week)) {
            out = value;
        }
    }

    static void subjects(TableReader& t, std::vector<Subject>& out) {
        std::string one;
        std::vector<std::string> many;
        if (t.text("subject", one, a_subject)) {
            out.emplace_back(one);
        }
        if (t.texts("subjects", many, a_subject)) {
            for (auto& text : many) {
                out.emplace_back(std::move(text));
            }
        }
        if (!t.has("subject") && !t.has("subjects")) {
            t.draft().error(t.place(), "a subject is missing",
                            "write subject = \"tenant/demo\" or subjects = [...]");
        }
    }

    void probe(TableReader& t, std::string& out) {
        t.require({"probe"});
        const auto& kinds = draft_.vocabulary().probe_kinds;
        if (!t.text("probe", out, an_id) || std::ranges::find(kinds, out) != kinds.end()) {
            return;
        }
        // It may be a general probe, whose name stands in the config only; a slip of the pen is
        // near a kind.
        if (const auto near = suggest(out, kinds)) {
            t.draft().error(t.place("probe"), fmt::format("unknown probe kind {}", quote(out)),
                            fmt::format("did you mean '{}'?", *near));
        }
    }

    void lever(TableReader& t, std::string_view key, std::string& out) {
        if (draft_.vocabulary().levers.empty()) {
            t.text(key, out, an_id);
        } else {
            t.word(key, out, "lever", draft_.vocabulary().levers);
        }
    }

    void facts(TableReader& t, std::string_view key, Facts& out) {
        const auto* table = t.table(key);
        if (table == nullptr) {
            return;
        }
        TableReader reader(draft_, t.file(), *table, std::string(key));
        for (auto&& [name, value] : *table) {
            double number = 0;
            if (reader.number(name.str(), number, -1e15, 1e15)) {
                out[std::string(name.str())] = number;
            }
        }
    }

    void attributes(TableReader& t, Attributes& out) {
        const auto* table = t.table("attributes");
        if (table == nullptr) {
            return;
        }
        TableReader reader(draft_, t.file(), *table, "attributes");
        for (auto&& [name, value] : *table) {
            std::string text;
            if (reader.text(name.str(), text)) {
                out[std::string(name.str())] = text;
            }
        }
    }

    void read_clock(TableReader& root) {
        std::string start(default_start);
        Zone zone;
        if (const auto* table = root.table("clock")) {
            TableReader t(draft_, root.file(), *table, "[clock]");
            std::string name;
            if (t.text("zone", name)) {
                if (auto found = Zone::find(name)) {
                    zone = *found;
                } else {
                    draft_.error(t.place("zone"), found.error().what, found.error().hint);
                }
            }
            t.text("start", start);
            t.finish();
            if (const auto parsed = zone.parse_local(start); !parsed) {
                draft_.error(t.place("start"), parsed.error().what,
                             "write start = \"2026-05-06T18:00\"");
                start = default_start;
            }
        }
        if (const auto parsed = zone.parse_local(start)) {
            scenario_.start = *parsed;
        }
    }

    void read_what_if(TableReader& root) {
        const auto* table = root.table("what_if");
        if (table == nullptr) {
            return;
        }
        TableReader t(draft_, root.file(), *table, "[what_if]");
        auto& what_if = scenario_.what_if;
        what_if.place = place_of(t.place());
        Mode ceiling{};
        if (t.choice("mode_ceiling", ceiling, "mode", mode_words)) {
            what_if.mode_ceiling = ceiling;
        }
        count(t, "quorum", what_if.quorum);
        bool freeze = false;
        if (t.boolean("freeze", freeze)) {
            what_if.freeze = freeze;
        }
        if (const auto* modes = t.table("modes")) {
            TableReader reader(draft_, t.file(), *modes, "modes");
            for (auto&& [id, value] : *modes) {
                Mode mode{};
                if (reader.choice(id.str(), mode, "mode", mode_words)) {
                    what_if.modes.emplace_back(std::string(id.str()), mode);
                }
            }
        }
        t.finish();
    }

    void read_green(TableReader& t) {
        ScenarioGreen green;
        subjects(t, green.subjects);
        probe(t, green.probe);
        t.duration("every", green.every, Millis{1'000}, week);
        facts(t, "facts", green.facts);
        t.text("version", green.version);
        attributes(t, green.attributes);
        scenario_.green.push_back(std::move(green));
    }

    static Reason usual_reason(Health health) {
        switch (health) {
            case Health::healthy:
                return Reason::ok;
            case Health::degraded:
                return Reason::http_5xx;
            case Health::failing:
                return Reason::connect_timeout;
            case Health::unknown:
                return Reason::rate_limited;
        }
        return Reason::ok;
    }

    void reason(TableReader& t, Reason& out) {
        std::vector<std::string> known;
        for (int i = 0; i <= static_cast<int>(Reason::parent_unreadable); ++i) {
            known.emplace_back(describe(static_cast<Reason>(i)).name);
        }
        std::string word;
        if (t.word("reason", word, "reason", known)) {
            out = reason_from_name(word).value_or(out);
        }
    }

    void read_look(TableReader& t) {
        ScenarioLook look;
        subjects(t, look.subjects);
        probe(t, look.probe);
        t.require({"from"});
        t.duration("from", look.from, Millis{0}, week);
        time(t, "to", look.to);
        if (look.to && *look.to <= look.from) {
            draft_.error(t.place("to"), "'to' is not after 'from'");
        }
        Millis every{0};
        if (t.duration("every", every, Millis{1'000}, week)) {
            look.every = every;
        }
        t.boolean("silent", look.silent);
        t.choice("health", look.health, "health", health_words);
        look.reason = usual_reason(look.health);
        reason(t, look.reason);
        t.choice("origin", look.origin, "origin", origin_words);
        t.text("evidence", look.evidence);
        facts(t, "facts", look.facts);
        t.text("version", look.version);
        attributes(t, look.attributes);
        lever(t, "healed_by", look.healed_by);
        t.duration("healed_after", look.healed_after, Millis{0}, week);
        scenario_.looks.push_back(std::move(look));
    }

    void read_lever(TableReader& t) {
        ScenarioLever made;
        t.require({"lever"});
        lever(t, "lever", made.lever);
        t.text("subject", made.subject, a_subject_glob);
        std::string plan = "ok";
        if (t.text("plan", plan)) {
            constexpr std::string_view refused = "refused: ";
            made.plan_ok = plan == "ok";
            if (plan.starts_with(refused)) {
                made.problem = plan.substr(refused.size());
            } else if (!made.plan_ok) {
                draft_.error(t.place("plan"), fmt::format("'plan' cannot be {}", quote(plan)),
                             "write plan = \"ok\" or plan = \"refused: why\"");
            }
        }
        t.text("resource", made.resource);
        t.text("target_version", made.target_version);
        t.choice("outcome", made.outcome, "outcome", outcome_words);
        t.duration("after", made.after, Millis{0}, week);
        t.choice("took", made.took, "answer", took_words);
        t.choice("proof", made.proof, "health", health_words);
        t.text("replaced_by", made.replaced_by, a_subject);
        facts(t, "then_facts", made.then_facts);
        t.text("then_version", made.then_version);
        scenario_.levers.push_back(std::move(made));
    }

    // The one thing that is said; how many there were is for the caller to judge.
    int read_words(TableReader& t, ScenarioSay& say) {
        int said = 0;
        for (const auto& row : say_rows) {
            if (t.has(row.key)) {
                said += 1;
                say.what = row.what;
                t.text(row.key, say.text, row.check);
            }
            t.node(row.key);
        }
        if (say.what == What::reload && t.has("reload")) {
            t.path("reload", say.text);
        }
        if (t.has("stop") || t.has("resume")) {
            say.why = say.text;
        }
        bool yes = false;
        if (t.boolean("restart", yes)) {
            said += 1;
            say.what = What::restart;
        }
        if (const auto* step = t.node("clock_step")) {
            said += 1;
            say.what = What::clock_step;
            read_step(t, *step, say);
        }
        constexpr Choice<bool> ledger_words[] = {{"writable", true}, {"unwritable", false}};
        if (t.choice("ledger", say.writable, "state of the ledger", ledger_words)) {
            said += 1;
            say.what = What::ledger;
        }
        return said;
    }

    void read_step(TableReader& t, const toml::node& node, ScenarioSay& say) {
        const auto* written = node.as_string();
        const std::string text = written == nullptr ? std::string{} : written->get();
        const bool back = text.starts_with('-');
        if (const auto by = parse_duration(std::string_view(text).substr(back ? 1 : 0))) {
            say.step = back ? -*by : *by;
            return;
        }
        draft_.error(t.place("clock_step"), "'clock_step' must be a duration with or without '-'",
                     "write clock_step = \"-1h\"");
    }

    void read_say(TableReader& t) {
        ScenarioSay say;
        say.place = place_of(t.place());
        t.require({"at"});
        t.duration("at", say.at, Millis{0}, week);
        if (const int said = read_words(t, say); said != 1) {
            draft_.error(t.place(),
                         said == 0 ? "[[say]] says nothing" : "[[say]] says more than one thing",
                         "one of stop, resume, veto, unveto, approve, reject, reload, restart, "
                         "clock_step, ledger");
        }
        lever(t, "lever", say.lever);
        t.text("who", say.who);
        t.text("why", say.why);
        t.duration("lasts", say.lasts, Millis{1'000}, week);
        time(t, "seen", say.seen);
        scenario_.says.push_back(std::move(say));
    }

    void read_expect(TableReader& t, bool never) {
        ScenarioExpect want;
        want.never = never;
        want.place = place_of(t.place());
        if (!never) {
            time(t, "at", want.at);
        }
        time(t, "from", want.from);
        time(t, never ? "to" : "by", want.by);
        if (want.at && (want.from || want.by)) {
            draft_.error(t.place("at"),
                         "'at' asks what stands then, so 'from' and 'by' say nothing",
                         "use 'at' alone, or 'from' and 'by'");
        }
        t.text("subject", want.subject, a_subject_glob);
        t.text("symptom", want.symptom, an_id);
        if (std::string word; t.text("lever", word)) {
            want.lever = word;
        }
        t.text("policy", want.policy, an_id);
        t.text("reason", want.reason);
        t.text("guard", want.guard);
        t.text("contains", want.text);
        Action action{};
        if (t.choice("action", action, "action", action_words)) {
            want.action = action;
        }
        Mode mode{};
        if (t.choice("mode", mode, "mode", mode_words)) {
            want.mode = mode;
        }
        count(t, "rung", want.rung);
        VerdictKind verdict{};
        if (t.choice("verdict", verdict, "verdict", verdict_words)) {
            want.verdict = verdict;
        }
        t.text("end", want.end);
        scenario_.expects.push_back(std::move(want));
    }

    Draft& draft_;
    Scenario& scenario_;
};

void load_into(Draft& draft, Scenario& scenario, const std::filesystem::path& path) {
    auto source = std::make_unique<SourceFile>();
    std::error_code ignored;
    source->name = path.string();
    source->folder = std::filesystem::absolute(path, ignored).parent_path();
    if (const auto error = read_source(path, *source)) {
        draft.error_in(path.string(), error->message, error->hint);
        return;
    }
    draft.files.push_back(std::move(source));
    if (const auto error = parse_source(*draft.files.back())) {
        draft.error({0, error->line, error->column}, error->message, error->hint);
        return;
    }
    TableReader root(draft, 0, *draft.files.front()->root, "");
    ScenarioReader(draft, scenario).read(root);
    draft.sort_problems();
}

}  // namespace

bool LoadedScenario::ok() const {
    return std::ranges::all_of(problems, &Problem::warning);
}

LoadedScenario load_scenario(const std::filesystem::path& path, const Vocabulary& vocabulary) {
    LoadedScenario loaded;
    Draft draft(vocabulary);
    try {
        load_into(draft, loaded.scenario, path);
    } catch (const std::exception& e) {
        draft.problems.push_back(
            {path.string(), 0, 0, std::string("cannot be loaded: ") + e.what(), "", "", false});
    }
    loaded.problems = std::move(draft.problems);
    return loaded;
}

}  // namespace leverd::config
