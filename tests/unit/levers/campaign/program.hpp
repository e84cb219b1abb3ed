// Why: the `command` lever for the fault campaign runs real programs. What they do to production is
// decided by the rig as for a call; here it becomes what a process can say of it.
#pragma once

#include "config/config.hpp"
#include "core/net/http.hpp"

#include <filesystem>

namespace leverd::test {

// Two scripts in a directory of their own, removed with it.
class Program {
  public:
    Program();
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    void declare(config::GeneralLever& lever) const;
    // How the next run ends, after the call that it stands for ended so: a 2xx is exit 0, another
    // answer exit 1, a lost one a death by signal, and what was never sent is a program that is not
    // there.
    void acts_as(const net::HttpResult& call) const;
    // Likewise for the look whether it took: exit 0, 1, or 2 when it cannot tell.
    void looks_as(const net::HttpResult& look) const;
    // How often it ran so far.
    std::size_t runs() const;

  private:
    std::filesystem::path directory_;
};

}  // namespace leverd::test
