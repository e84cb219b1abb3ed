// Why: a process that is killed in the middle of an outage must come to the decisions of one that
// was not. The same outage is played once whole and once for every event with a kill before it.
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <fmt/format.h>

using namespace leverd;
using leverd::test::Bench;

namespace {

// One tenant dies and a redeploy mends it; the stack answers the engine's effects as it would.
class Outage {
  public:
    // Killed before the event of this number; never when it is 0.
    explicit Outage(int killed_before) : killed_before_(killed_before) {}

    void play() {
        bench_.settle();
        for (int step = 0; step < 45; ++step) {
            bench_.advance(std::chrono::seconds{5});
            for (int i = 0; i < 3; ++i) {
                event([i](Bench& bench) { bench.reference(i, true); });
            }
            event([](Bench& bench) {
                bench.look("control-plane", "control_plane", Health::healthy);
            });
            for (const std::string tenant : Bench::tenants) {
                event([this, tenant](Bench& bench) { look_at(bench, tenant); });
            }
            event([](Bench& bench) { bench.tick(); });
        }
    }

    int events() const { return events_; }
    int effects() const { return redeploys_; }

    // What was decided, said and done, in order. A trust that has to grow anew after a start holds
    // the lever for a while: that is meant, and the only difference allowed.
    std::vector<std::string> journal() const {
        std::vector<std::string> lines;
        for (const auto& entry : bench_.ledger()) {
            std::string line;
            if (const auto* raised = std::get_if<SymptomRaised>(&entry.body)) {
                line = "raised " + raised->symptom + " " + raised->subject.text();
            } else if (const auto* cleared = std::get_if<SymptomCleared>(&entry.body)) {
                line = "cleared " + cleared->symptom;
            } else if (const auto* opened = std::get_if<IncidentOpened>(&entry.body)) {
                line = "opened " + opened->incident;
            } else if (const auto* closed = std::get_if<IncidentClosed>(&entry.body)) {
                line = "closed " + closed->incident + " " + closed->end;
            } else if (const auto* decision = std::get_if<Decision>(&entry.body)) {
                line = fmt::format("decision {} {} {}", decision->lever, decision->subject.text(),
                                   decision->reason);
            } else if (const auto* intent = std::get_if<Intent>(&entry.body)) {
                line = "intent " + intent->id + " " + intent->lever;
            } else if (const auto* verdict = std::get_if<Verdict>(&entry.body)) {
                line =
                    fmt::format("verdict {} {}", verdict->intent, static_cast<int>(verdict->kind));
            } else if (const auto* page = std::get_if<Paged>(&entry.body)) {
                line = "page " + page->title;
            }
            const bool waits_for_trust = line.ends_with(" observer");
            if (!line.empty() && !waits_for_trust && (lines.empty() || lines.back() != line)) {
                lines.push_back(line);
            }
        }
        return lines;
    }

    Instant raised_at() const {
        for (const auto& entry : bench_.ledger()) {
            if (std::holds_alternative<SymptomRaised>(entry.body)) {
                return entry.now.at;
            }
        }
        return Instant::max();
    }

  private:
    template <class Act>
    void event(Act act) {
        if (++events_ == killed_before_) {
            bench_.restart();
            answered_ = 0;
        }
        act(bench_);
        answer();
    }

    void look_at(Bench& bench, const std::string& tenant) {
        if (tenant != "acme") {
            bench.good(tenant);
        } else if (redeploys_ == 0) {
            bench.bad(tenant, events_ % 2 == 0 ? Reason::connect_refused : Reason::http_5xx);
        } else {
            bench.good(tenant, ++requests_);
        }
    }

    // The effect happens at once; its reply comes with the next event, or never when a kill comes
    // before it.
    void answer() {
        const auto reply = std::exchange(reply_, std::nullopt);
        if (reply && events_ + 1 != killed_before_) {
            bench_.send(*reply);
        }
        for (; answered_ < bench_.effects().size(); ++answered_) {
            const Effect effect = bench_.effects()[answered_];
            if (const auto* fire = std::get_if<FireLever>(&effect)) {
                ++redeploys_;
                reply_ = Outcome{fire->intent.id, OutcomeKind::accepted, "202", {}};
            } else if (const auto* observe = std::get_if<ObserveLever>(&effect)) {
                bench_.send(Settled{observe->intent.id, Took::yes, "it restarted"});
            }
        }
    }

    Bench bench_;
    int killed_before_;
    int events_ = 0;
    int redeploys_ = 0;
    double requests_ = 0;
    std::size_t answered_ = 0;
    std::optional<Outcome> reply_;
};

}  // namespace

TEST_CASE("killed before any event of an outage, the decisions are those of the whole run") {
    Outage whole(0);
    whole.play();
    const auto expected = whole.journal();
    REQUIRE(whole.effects() == 1);
    REQUIRE(std::ranges::count(expected, "verdict t-1 0") == 1);
    for (int at = 1; at <= whole.events(); ++at) {
        CAPTURE(at);
        Outage killed(at);
        killed.play();
        REQUIRE(killed.effects() == 1);
        REQUIRE(killed.journal() == expected);
        // The run of bad looks goes on. Quiet looks are not stored, so the reference points may
        // have to be seen good once more, which is one round later and no more.
        REQUIRE(killed.raised_at() >= whole.raised_at());
        REQUIRE(killed.raised_at() - whole.raised_at() <= std::chrono::seconds{5});
    }
}
