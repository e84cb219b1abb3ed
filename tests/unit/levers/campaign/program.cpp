// Why: see program.hpp.
#include "tests/unit/levers/campaign/program.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

namespace leverd::test {
namespace {

namespace fs = std::filesystem;

void write_script(const fs::path& path, const std::string& body) {
    std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
    fs::permissions(path, fs::perms::owner_all);
}

}  // namespace

Program::Program() {
    std::string pattern = "/tmp/leverd-program-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
        throw std::runtime_error("no directory for the program");
    }
    directory_ = pattern;
}

Program::~Program() {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

void Program::declare(config::GeneralLever& lever) const {
    lever.argv = {directory_ / "act", "{slug}"};
    lever.observe_argv = {directory_ / "look", "{slug}"};
}

void Program::acts_as(const net::HttpResult& call) const {
    const bool never_sent = !call && !call.error().sent;
    if (never_sent) {
        fs::remove(directory_ / "act");
        return;
    }
    const std::string end = !call ? "kill -9 $$" : call->status < 300 ? "exit 0" : "exit 1";
    write_script(directory_ / "act", "echo \"$1\" >> \"${0%/*}/runs\"\n" + end);
}

void Program::looks_as(const net::HttpResult& look) const {
    const bool yes = look && look->status == 200 && look->body == "restarted";
    const bool no = look && look->status == 200 && look->body == "as before";
    write_script(directory_ / "look", yes ? "exit 0" : no ? "exit 1" : "exit 2");
}

std::size_t Program::runs() const {
    std::ifstream file(directory_ / "runs");
    std::size_t lines = 0;
    for (std::string line; std::getline(file, line);) {
        lines += line == "acme" ? 1 : 0;
    }
    return lines;
}

}  // namespace leverd::test
