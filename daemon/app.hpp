// Why: the whole process, wired in one straight line: make -> start -> stop, with reload in
// between. Everything but main() lives here or below, so that tests run what production runs.
#pragma once

#include "config/load.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/ledger/ledger.hpp"
#include "core/net/http.hpp"
#include "exporters/web/backend.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace leverd {

// DESIGN 9: what the process says to its caller.
enum class Exit : int {
    ok = 0,
    failed = 1,
    refused = 4,
    unknown = 5,
    unreachable = 6,
    locked = 7,
    usage = 64,
    config = 78,
};

struct StartFailure {
    Exit code = Exit::failed;
    Error error;
};

// Where the process touches the world. Production leaves all empty; a simulation brings its own.
struct Outside {
    // Instead of the network.
    std::function<std::unique_ptr<net::HttpTransport>(boost::asio::any_io_executor)> transport;
    // Stands between the driver and the ledger, which outlives it.
    std::function<std::unique_ptr<Ledger>(Ledger& kept)> ledger;
    // Stands between everybody and the machine's clock, which outlives it.
    std::function<std::unique_ptr<Clock>(const Clock& kept)> clock;
    // A look ends by its own deadline and the next one is due then; this is slack for a busy
    // machine. Looks that stand still for longer are no health.
    Millis look_age_max{30'000};
};

class App {
  public:
    // Reads everything, opens everything, binds everything; nothing is looked at or fired yet.
    static boost::system::result<std::unique_ptr<App>, StartFailure> make(
        const std::filesystem::path& config_path, config::Loaded loaded, Outside outside = {});
    ~App();

    // Runs until SIGTERM or SIGINT: ok; or until a part of it ended that everybody needs: failed.
    // SIGHUP reloads. Nothing but the destructor may be called afterwards.
    Exit run();

    // What the HTTP faces may ask, for a caller on executor().
    exporters::Backend& backend();
    boost::asio::any_io_executor executor();

  private:
    struct Impl;
    explicit App(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

std::string_view version();

}  // namespace leverd
