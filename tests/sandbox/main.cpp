// Why: puts the played stack together: options, ports, files, and the one thread that runs it all.
#include "certs.hpp"
#include "clock.hpp"
#include "control_http.hpp"
#include "crypto.hpp"
#include "dns.hpp"
#include "files.hpp"
#include "hosts.hpp"
#include "operator.hpp"
#include "server.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;

namespace sandbox {
namespace {

struct Options {
    std::string directory;
    unsigned short tls_port = 18443;
    unsigned short dns_port = 15353;
    unsigned short control_port = 18480;
    std::string story = "none";
    std::string platform = "measured";
    double speed = 1;
    int rate_limit = 6000;
    std::string operator_url;
    std::string operator_token_file;
    std::string leverd_listen = "127.0.0.1:9847";
    std::string config_dir = SANDBOX_CONFIG_DIR;
};

// Everything that lives as long as the process, in the order in which it may go away.
struct Sandbox {
    explicit Sandbox(const Options& options, Settings settings)
        : journal(options.directory + "/journal.jsonl"),
          world(std::move(settings), &journal),
          story(&world, options.speed) {}

    Journal journal;
    World world;
    Story story;
    Control control;
    Front stack;
    Front control_front;
    DnsView dns;
    OperatorSettings on_call;
    asio::ssl::context tls{asio::ssl::context::tls_server};
};

tcp::acceptor listen_on(asio::io_context& io, unsigned short port) {
    const tcp::endpoint at(asio::ip::address_v4::loopback(), port);
    return tcp::acceptor(io, at, true);
}

// The world moves by itself, fifty times a second.
asio::awaitable<void> beat(World* world, Story* story) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (;;) {
        timer.expires_after(std::chrono::milliseconds(20));
        co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
        world->tick();
        story->tick();
    }
}

// The name of the tenant when `host` is a tenant that must not even be connected to.
bool refused(World& world, const std::string& host) {
    const Tenant* tenant = world.tenant(host.substr(0, host.find('.')));
    return tenant != nullptr && tenant->down == "refuse" && world.presence(*tenant) == Presence::up;
}

void wire_up(Sandbox& sandbox) {
    World* world = &sandbox.world;
    sandbox.stack.handle = [world](Request& request) { return route(*world, request); };
    sandbox.stack.reachable = [world] { return world->modes.network; };
    sandbox.stack.refuse = [world](const std::string& host) { return refused(*world, host); };
    sandbox.dns.silent = [world] { return !world->modes.network; };
    sandbox.dns.refuse = sandbox.stack.refuse;
    sandbox.control.world = world;
    sandbox.control.story = &sandbox.story;
    Control* control = &sandbox.control;
    sandbox.control_front.handle = [control](Request& request) {
        return control_call(*control, request);
    };
    sandbox.control_front.reachable = [] { return true; };
}

Settings make_secrets(const Options& options) {
    Settings settings;
    settings.cp_admin_token = random_hex(24);
    settings.registry_token = random_hex(24);
    settings.old_cp_admin_token = random_hex(24);
    settings.railway_token = random_uuid();
    settings.vercel_token = random_hex(16);
    settings.rate_limit = options.rate_limit;
    settings.newest = options.platform == "newest";
    const std::string& dir = options.directory;
    write_file(dir + "/railway-token", settings.railway_token + "\n", 0600);
    write_file(dir + "/vercel-token", settings.vercel_token + "\n", 0600);
    write_file(dir + "/cp-admin-token", settings.cp_admin_token + "\n", 0600);
    write_file(dir + "/registry-token", settings.registry_token + "\n", 0600);
    write_file(dir + "/api-token", random_hex(24) + "\n", 0600);
    return settings;
}

void set_operator(Sandbox& sandbox, const Options& options) {
    sandbox.on_call.url = options.operator_url;
    if (options.operator_url.empty()) {
        return;
    }
    if (operator_address(options.operator_url).host.empty()) {
        throw std::runtime_error("--operator must be http://<address>:<port>");
    }
    sandbox.on_call.token =
        read_secret(options.operator_token_file.empty() ? options.directory + "/api-token"
                                                        : options.operator_token_file);
}

void write_everything(Sandbox& sandbox, const Options& options, Ports ports) {
    Files files;
    files.directory = options.directory;
    files.config_dir = options.config_dir;
    files.leverd_listen = options.leverd_listen;
    files.ports = ports;
    sandbox.control.ports =
        json::object({{"tls", ports.tls}, {"dns", ports.dns}, {"control", ports.control}});
    write_receipts(files, sandbox.world.registry, wall_ms());
    write_leverd_toml(files);
    write_hosting_toml(files, sandbox.world);
    write_ports(files);  // last: whoever waits for it may read all the others
}

void run(const Options& options) {
    std::filesystem::remove(options.directory + "/ports.json");
    Sandbox sandbox(options, make_secrets(options));
    set_operator(sandbox, options);
    wire_up(sandbox);
    const Certificates certificates = make_certificates();
    write_file(options.directory + "/ca.pem", certificates.ca_pem, 0644);
    prepare_tls(sandbox.tls, certificates.leaf_pem, certificates.leaf_key_pem, &sandbox.stack);

    asio::io_context io(1);
    asio::signal_set signals(io, SIGINT, SIGTERM);
    signals.async_wait([&io](const boost::system::error_code&, int) { io.stop(); });
    tcp::acceptor tls = listen_on(io, options.tls_port);
    tcp::acceptor control = listen_on(io, options.control_port);
    udp::socket dns(io, udp::endpoint(asio::ip::address_v4::loopback(), options.dns_port));
    const Ports ports{tls.local_endpoint().port(), dns.local_endpoint().port(),
                      control.local_endpoint().port()};
    sandbox.world.settings.tls_port = ports.tls;

    asio::co_spawn(io, listen_tls(std::move(tls), &sandbox.tls, &sandbox.stack), Ended{});
    asio::co_spawn(io, listen_plain(std::move(control), &sandbox.control_front), Ended{});
    asio::co_spawn(io, serve_dns(std::move(dns), &sandbox.dns), Ended{});
    asio::co_spawn(io, beat(&sandbox.world, &sandbox.story), Ended{});
    if (!sandbox.on_call.url.empty()) {
        asio::co_spawn(io, run_operator(&sandbox.on_call, &sandbox.journal), Ended{});
    }
    write_everything(sandbox, options, ports);
    std::printf("sandbox ready: tls %d, dns %d, control %d, directory %s\n", ports.tls, ports.dns,
                ports.control, options.directory.c_str());
    std::fflush(stdout);
    sandbox.story.start(options.story);
    io.run();
}

void add_options(CLI::App& app, Options& options) {
    app.add_option("--dir", options.directory, "Directory for everything it writes")->required();
    app.add_option("--port", options.tls_port, "TLS port of all hosts; 0 picks a free one")
        ->capture_default_str();
    app.add_option("--dns-port", options.dns_port, "UDP port of the name server")
        ->capture_default_str();
    app.add_option("--control-port", options.control_port, "Plain HTTP port for tests")
        ->capture_default_str();
    app.add_option("--story", options.story, "What happens by itself")
        ->check(CLI::IsMember({"day", "none"}))
        ->capture_default_str();
    app.add_option("--platform", options.platform,
                   "Which build the tenants run: the one that was measured, or the newest as read")
        ->check(CLI::IsMember({"measured", "newest"}))
        ->capture_default_str();
    app.add_option("--speed", options.speed, "How fast the story is told")
        ->check(CLI::Range(0.05, 100.0))
        ->capture_default_str();
    app.add_option("--rate-limit", options.rate_limit, "Requests per minute and tenant")
        ->capture_default_str();
    app.add_option("--operator", options.operator_url,
                   "leverd's API (http://127.0.0.1:9847): approve platform rollbacks there");
    app.add_option("--operator-token-file", options.operator_token_file,
                   "Token of the operator; default is api-token in the directory");
    app.add_option("--leverd-listen", options.leverd_listen,
                   "Where the written leverd.toml listens")
        ->capture_default_str();
    app.add_option("--config-dir", options.config_dir,
                   "Directory of runbook.toml and policies.toml for the written leverd.toml");
}

}  // namespace
}  // namespace sandbox

int main(int argc, char** argv) {
    sandbox::Options options;
    CLI::App app("Plays the whole stack that leverd watches, faults included.");
    sandbox::add_options(app, options);
    CLI11_PARSE(app, argc, argv);
    std::signal(SIGPIPE, SIG_IGN);
    try {
        std::filesystem::create_directories(options.directory);
        options.directory = std::filesystem::canonical(options.directory).string();
        options.config_dir = std::filesystem::absolute(options.config_dir).string();
        sandbox::run(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "leverd-sandbox: %s\n", error.what());
        return 1;
    }
    return 0;
}
