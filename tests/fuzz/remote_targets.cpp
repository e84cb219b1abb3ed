// Why: events come from anybody who finds the address, and the forge, the hosters, Prometheus and
// name servers are other people's programs. What they say may wake a look or become a line of text,
// and nothing else.
#include "config/checks.hpp"
#include "core/base/borrowed.hpp"
#include "core/base/text.hpp"
#include "core/model/inventory.hpp"
#include "core/net/dns_records.hpp"
#include "core/stack/event_table.hpp"
#include "core/stack/forge.hpp"
#include "core/stack/railway.hpp"
#include "core/stack/tenant_event.hpp"
#include "core/stack/vercel.hpp"
#include "core/stack/webhook.hpp"
#include "probes/looks.hpp"
#include "tests/fuzz/parts.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <exception>
#include <optional>

namespace leverd::fuzz {
namespace {

constexpr std::size_t hints_max = 4096;

// Every request is answered with these bytes as JSON.
class Canned final : public net::HttpTransport {
  public:
    explicit Canned(std::string_view bytes) : bytes_(bytes) {}

    boost::asio::awaitable<net::HttpResult> fetch(net::HttpRequest, net::Deadline) override {
        co_return json_answer(bytes_);
    }

  private:
    std::string bytes_;
};

class Still final : public Clock {
  public:
    Now now() const override { return {Instant{Millis{1}}, WallTime{Millis{1'778'090'400'000}}}; }
};

template <class T>
T run(boost::asio::awaitable<T> task) {
    boost::asio::io_context io;
    std::optional<T> out;
    auto keep = [&out](std::exception_ptr thrown, T value) {
        require(!thrown, "nothing is thrown");
        out.emplace(std::move(value));
    };
    boost::asio::co_spawn(io, std::move(task), std::move(keep));
    io.run();
    require(out.has_value(), "it ends");
    return std::move(*out);
}

bool is_clean(std::string_view text) {
    return sanitize(text, 8192) == text;
}

net::Deadline soon() {
    return net::deadline_in(Millis{1000});
}

// The first line is the name of the event, the rest the body; every source reads both.
void tenant_event(std::string_view bytes) {
    const auto event = stack::read_tenant_event(bytes);
    if (event.has_error()) {
        require(event.error().what.size() <= 200, "an error quotes nothing");
        return;
    }
    require(!event->empty() && event->size() <= 64, "a name is short");
    for (const char c : *event) {
        require((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_', "a name is checked");
    }
    const auto hints = stack::hints_for(stack::EventSource::tenant, *event, {"acme", {}});
    require(hints.size() <= 3, "the wishes of one event are bounded");
    for (const Hint& hint : hints) {
        require(hint.target == "acme", "a tenant wakes looks at itself only");
    }
}

void webhook(std::string_view bytes) {
    const auto line = bytes.find('\n');
    stack::Webhook hook;
    hook.headers["x-github-event"] = std::string(bytes.substr(0, line));
    hook.headers["x-gitea-event"] = hook.headers["x-github-event"];
    hook.headers["authorization"] = hook.headers["x-github-event"];
    hook.headers["x-hub-signature-256"] = hook.headers["x-github-event"];
    hook.headers["x-gitea-signature"] = hook.headers["x-github-event"];
    hook.headers["x-vercel-signature"] = hook.headers["x-github-event"];
    hook.path_secret = hook.headers["x-github-event"];
    hook.body = line == std::string_view::npos ? std::string{} : std::string(bytes.substr(line));
    using enum stack::EventSource;
    for (const auto source : {github, gitea, vercel, railway, alertmanager}) {
        hook.source = source;
        require(!stack::is_genuine(hook, Secret{}), "an empty secret proves nothing");
        require(!stack::is_genuine(hook, Secret{"a-secret-that-nobody-can-guess"}),
                "who does not know the secret is not believed");
        const auto event = stack::read_webhook(hook);
        if (event.has_error()) {
            require(event.error().what.size() <= 200, "an error quotes nothing");
            continue;
        }
        require(!event->ids.empty(), "every event can be known again");
        require(event->hints.size() <= hints_max, "the wishes of one event are bounded");
        for (const Hint& hint : event->hints) {
            require(!hint.probe.empty() && !hint.target.empty(), "a wish names a look");
        }
    }
}

void forge(std::string_view bytes) {
    Canned http(bytes);
    const Still clock;
    for (const auto* dialect : {&stack::github_dialect, &stack::gitea_dialect}) {
        stack::ForgeMemory memory;
        stack::Forge asked({&http, "https://forge.example", Secret{"t"}, dialect, &memory, &clock});
        const auto workflow = run(asked.workflow("o/r", "publish.yml", soon()));
        require(!workflow.has_value() || is_clean(workflow->state), "a state is clean");
        const auto runs = run(asked.runs("o/r", {}, soon()));
        if (runs.has_value()) {
            for (const stack::Run& one : *runs) {
                require(one.sha.empty() || stack::is_commit(one.sha), "a commit is checked");
                require(is_clean(one.id + one.file + one.name + one.branch + one.event +
                                 one.status + one.conclusion),
                        "words of a run are clean");
            }
        }
        const auto merges = run(asked.merged("o/r", "main", soon()));
        if (merges.has_value()) {
            for (std::size_t i = 0; i < merges->size(); ++i) {
                const auto& one = (*merges)[i];
                require(one.number >= 0, "a number is one");
                require(one.merged.has_value() && is_clean(one.title),
                        "a merge has time and title");
                require(i == 0 || (*merges)[i - 1].merged >= one.merged, "newest merge first");
            }
        }
    }
}

void railway(std::string_view bytes) {
    const net::HttpRequest request = stack::railway_request({}, "{}");
    const auto read = stack::parse_railway_deployments(request, json_answer(bytes));
    if (read.has_error()) {
        require(is_clean(read.error().detail), "a detail is clean");
        return;
    }
    for (std::size_t i = 0; i < read->size(); ++i) {
        const auto& one = (*read)[i];
        require(is_uuid(one.id), "a deployment has a valid id");
        require(is_clean(one.status + one.created_text), "words are clean");
        require(i == 0 || (*read)[i - 1].created >= one.created, "newest first");
    }
}

void vercel(std::string_view bytes) {
    const net::HttpRequest request = stack::vercel_request({}, "GET", "/v9/projects/p");
    const auto project = stack::parse_vercel_project(request, json_answer(bytes));
    require(!project.has_value() || !project->production.empty(), "what serves has an id");
    const auto rows = stack::parse_vercel_deployments(request, json_answer(bytes));
    if (rows.has_value()) {
        for (std::size_t i = 0; i < rows->size(); ++i) {
            const auto& one = (*rows)[i];
            require(!one.id.empty() && one.created > 0, "a deployment has id and time");
            require(is_clean(one.id + one.state + one.commit), "words are clean");
            require(i == 0 || (*rows)[i - 1].created >= one.created, "newest first");
        }
    }
    const auto failed = stack::parse_vercel_aliases(request, json_answer(bytes));
    if (failed.has_value()) {
        for (const std::string& name : *failed) {
            require(is_clean(name), "a domain is clean");
        }
    }
}

void promql(std::string_view bytes) {
    Canned http(bytes);
    const Still clock;
    Inventory inventory;
    const config::Config settings;
    const std::map<std::string, Secret> secrets;
    probes::Context context;
    context.config = borrowed(settings);
    context.http = &http;
    context.clock = &clock;
    context.inventory = &inventory;
    context.secrets = borrowed(secrets);
    config::PromqlCheck check;
    check.url = "https://prometheus.example";
    check.query = "up";
    config::Check whole;
    whole.what = check;
    probes::Task task;
    task.kind = "p";
    task.settings.check = std::make_shared<const config::Check>(whole);
    const auto looks = run(probes::look_promql(context, task, soon()));
    require(looks.size() == 1, "one look is one observation");
    require(looks.front().evidence.size() <= evidence_bytes_max, "evidence is short");
    require(is_clean(looks.front().evidence), "evidence is clean");
    require(looks.front().health == Health::healthy || looks.front().health == Health::unknown,
            "without a limit nothing is bad");
}

void dns(std::string_view bytes) {
    using enum net::RecordType;
    const auto* packet = reinterpret_cast<const unsigned char*>(bytes.data());
    for (const auto type : {a, aaaa, cname, mx, ns, txt}) {
        std::vector<std::string> texts;
        (void)net::parse_records(type, packet, static_cast<int>(bytes.size()), texts);
        require(texts.size() <= 4096, "records are bounded");
        for (const std::string& text : texts) {
            require(text.size() <= 1024 && is_clean(text), "a record is short and clean");
        }
    }
}

}  // namespace

std::vector<Target> remote_targets() {
    return {{"webhook", webhook}, {"tenant_event", tenant_event},
            {"forge", forge},     {"railway", railway},
            {"vercel", vercel},   {"promql", promql},
            {"dns", dns}};
}

}  // namespace leverd::fuzz
