// Why: some looks and levers are a program of the user. It is started without a shell, inherits
// nothing, and everything that it starts ends with it.
#pragma once

#include "core/net/http.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace leverd::net {

struct ProcessUser {
    unsigned uid = 0;
    unsigned gid = 0;
};

struct ProcessRequest {
    std::vector<std::string> argv;                   // argv[0]: absolute path of the program
    std::map<std::string, std::string> environment;  // all of it; ours is not passed on
    std::string directory = "/";
    std::string input;                     // what it reads; empty: nothing
    std::optional<ProcessUser> user;       // run as; needs root
    std::size_t output_limit = 64U << 10;  // bytes of each stream; what is over is thrown away
    // The socket of `leverd exec-helper`, which runs it as another user; empty: we run it. The
    // helper is only told what the program is called ({"probe", "disk"}, {"lever", "restart",
    // "tenant/acme"}) and finds the rest in its own reading of the configuration.
    std::string helper;
    std::vector<std::string> called;
    Millis grace{500};  // SIGTERM comes this long before the deadline
};

enum class ProcessEnd {
    exited,       // `code` is its exit status
    signalled,    // `code` is the signal, which was not ours
    timed_out,    // the deadline came; it was killed
    cancelled,    // our owner cancelled us; it was killed
    not_started,  // `code` is an errno, `detail` says which step; nothing ran
};

struct ProcessResult {
    ProcessEnd end = ProcessEnd::not_started;
    int code = 0;
    std::string detail;
    std::string out;  // raw bytes: untrusted
    std::string err;
    bool out_cut = false;  // there was more than output_limit
    bool err_cut = false;
};

// Never throws. When it returns, the program and its process group are gone: at the latest a moment
// after the deadline.
boost::asio::awaitable<ProcessResult> run_process(ProcessRequest request, Deadline deadline);

}  // namespace leverd::net
