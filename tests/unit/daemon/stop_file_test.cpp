// Why: the stop switch as a file fails closed: what cannot be read counts as set.
#include "daemon/stop_file.hpp"
#include "tests/unit/daemon/app_bench.hpp"

#include <fstream>

using namespace leverd;
namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

asio::awaitable<void> loop_and_back(test::AppBench& bench) {
    const auto file = bench.directory / "state" / "STOP";
    const auto& stop = bench.backend().state().stop;
    std::ofstream(file) << "\n";
    const auto set = [&stop] { return stop.stopped; };
    co_await bench.until(set, "the stop file was seen");
    CHECK(stop.why == file.string() + " exists");
    // The file's folder is swapped for a symlink that leads to itself: nobody can tell any more.
    fs::create_symlink(bench.directory / "round", bench.directory / "round");
    bench.stop_file = (bench.directory / "round" / "STOP").string();
    bench.write();
    const auto reloaded = co_await bench.backend().reload();
    REQUIRE(reloaded.ok);
    const auto told = [&stop] { return stop.why.find("cannot be read") != std::string::npos; };
    co_await bench.until(told, "the reason was told");
    CHECK(stop.stopped);
    CHECK(bench.backend().state().self_reports.contains({"stop_unreadable", ""}));
    CHECK(stop.why.find("symbolic links") != std::string::npos);
    StopCommand lift{false, "somebody", "a test", Millis{0}};
    const auto refused = co_await bench.backend().stop(lift);
    CHECK(refused.has_error());
    fs::remove(bench.directory / "round");
    fs::create_directory(bench.directory / "round");
    const auto lifted = [&stop] { return !stop.stopped; };
    co_await bench.until(lifted, "it was lifted when the file was certainly not there");
    const auto over = [&bench] { return bench.backend().state().self_reports.empty(); };
    co_await bench.until(over, "nothing is reported any more");
}

}  // namespace

TEST_CASE("only a stop file that is certainly not there lets levers go") {
    test::AppBench bench;
    const auto at = [&bench](const char* name) { return (bench.directory / name).string(); };
    CHECK_FALSE(read_stop_file(at("STOP")).stopped);
    std::ofstream(at("STOP")) << "";
    CHECK(read_stop_file(at("STOP")).why == at("STOP") + " exists");
    fs::create_symlink(at("loop"), at("loop"));
    CHECK(read_stop_file(at("loop")).stopped);
    const auto inside = read_stop_file(at("loop") + "/STOP");
    CHECK(inside.stopped);
    CHECK(inside.unreadable);
    CHECK(inside.why.find("cannot be read") != std::string::npos);
    CHECK(read_stop_file(at("STOP") + "/STOP").stopped);  // its folder is a file
    CHECK(read_stop_file(at(std::string(5'000, 'x').c_str())).stopped);
}

TEST_CASE("a stop file that becomes unreadable does not lift the stop") {
    test::AppBench bench;
    bench.write();
    CHECK(bench.run(loop_and_back) == Exit::ok);
}
