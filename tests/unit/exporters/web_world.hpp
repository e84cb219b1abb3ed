// Why: one hand-made world that shows every kind of thing the API can say, and a backend that
// remembers what it was asked to change.
#pragma once

#include "exporters/web/backend.hpp"
#include "exporters/web/router.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace web_world {

using namespace leverd;

struct Change {
    std::string what;
    std::string who;
    std::string why;
    bool yes = false;

    friend bool operator==(const Change&, const Change&) = default;
};

std::vector<config::ProbeSettings> some_settings();  // tenant_health

class FakeBackend final : public exporters::Backend {
  public:
    FakeBackend();

    const State& state() const override { return held; }
    const Rules& rules() const override { return book; }
    Now now() const override { return time; }
    std::string version() const override { return "0.1.0"; }
    std::function<std::string()> metrics() override {
        ++scrapes;
        return [text = figures] { return text; };
    }
    exporters::Health healthy() const override { return alive; }
    exporters::Health ready() const override { return fit; }
    boost::asio::awaitable<Result<std::vector<StoredEntry>>> ledger(std::int64_t after,
                                                                    std::size_t limit) override;
    boost::asio::awaitable<Result<void>> approve(std::string decision, bool approved,
                                                 std::string who, std::string why) override;
    boost::asio::awaitable<Result<void>> stop(StopCommand command) override;
    boost::asio::awaitable<Result<Veto>> veto(VetoCommand command) override;
    boost::asio::awaitable<Result<void>> lift_veto(LiftVeto command) override;
    boost::asio::awaitable<exporters::Reloaded> reload() override;
    boost::asio::awaitable<Result<exporters::FireAnswer>> fire(
        exporters::FireWanted wanted) override;
    boost::asio::awaitable<Result<void>> acknowledge(Acknowledge given) override;
    boost::asio::awaitable<Result<std::string>> test_page(std::string sink,
                                                          std::string who) override;
    std::vector<SinkReport> page_delivery() const override { return sinks; }
    std::string stop_file_set() const override { return stop_file; }
    std::vector<std::string> restart_needed() const override { return left_behind; }
    boost::asio::awaitable<Result<Looked>> look(std::string kind, std::string target) override;
    bool heartbeat(const std::string& name) override { return name == "nightly"; }
    std::vector<config::ProbeSettings> probe_settings() const override { return settings; }
    std::vector<Results::Result> results(const std::string& probe, const Subject& subject,
                                         std::size_t limit) const override;
    const Secret* event_secret(stack::EventSource source) override;
    bool take_event(stack::EventSource source, const stack::Event& event) override;
    void refuse_event(stack::EventSource source, std::string_view reason) override;
    void access_denied(const std::string& peer, std::string_view reason) override {
        denied.push_back(peer + " " + std::string(reason));
    }
    std::shared_ptr<void> subscribe(std::function<void()> wake) override;

    // Tells every subscriber that a turn changed something.
    void turn();
    // Writes an entry as the driver would.
    void write(const EntryBody& body);

    std::string figures = "leverd_build_info 1\n";
    State held;
    Rules book;
    Now time;
    exporters::Health alive{true, "the loop turns"};
    exporters::Health fit{true, "ready"};
    std::vector<StoredEntry> record;
    std::vector<Change> changes;
    std::vector<config::ProbeSettings> settings = some_settings();
    std::map<stack::EventSource, Secret> event_secrets;
    std::vector<stack::Event> events;  // taken; the ids of earlier ones are duplicates
    std::vector<std::string> refused;  // "github off"
    std::vector<exporters::FireWanted> fired;
    std::vector<SinkReport> sinks;
    std::string stop_file;
    std::vector<std::string> left_behind;  // keys that need a restart
    std::vector<std::string> warnings;     // of a reload
    exporters::FireAnswer fire_answer;     // what fire() says; the subject and lever are filled in
    std::size_t entries_read = 0;
    std::size_t scrapes = 0;
    std::vector<std::string> denied;  // "127.0.0.1 wrong_token"
    std::optional<Error> refusal;     // what every change answers, when set
    std::vector<std::shared_ptr<std::function<void()>>> listeners;
};

// A tenant that fails, an incident that waits for approval, one that a lever heals, one closed.
void fill(FakeBackend& backend);
Decision asking_decision();
// Everything that can hold levers back, all at once: a timed stop, an open storm breaker, a veto, a
// window, flapping, and a policy whose record does not suffice.
void hold_everything(FakeBackend& backend);
// The row of i-1 gets a second lever, and its first one was tried in vain.
void give_ladder(FakeBackend& backend);

// Runs one request through the router to its end.
exporters::web::Response ask(FakeBackend& backend, const exporters::web::Access& access,
                             exporters::web::Request request, exporters::web::Service service = {});
exporters::web::Request request(std::string method, std::string target, std::string body = "");
// Root on the unix socket: everything is allowed.
exporters::web::Access root_access();

}  // namespace web_world
