// Why: a program of the operator must not reach leverd's secrets, state and process. Where leverd
// has no right to change the user, another unit does that: it is told over a unix socket which
// program of the configuration is wanted, and answers how it ended.
//
// One connection is one run. The caller sends one frame, a JSON object; the helper answers with
// three: a JSON object, the program's output and its errors. A frame is its length in four bytes,
// the highest first, and that many bytes. Whoever closes first ends the program.
#pragma once

#include "core/net/process.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leverd::net {

struct ExecAsked {
    std::vector<std::string> called;  // as in ProcessRequest
    Millis time{0};                   // from now until it is killed
    Millis grace{0};
};

inline constexpr std::size_t exec_frame_max = 8U << 20;

std::string frame(std::string_view bytes);
std::string to_frame(const ExecAsked& asked);
// All three of an answer.
std::string to_frames(const ProcessResult& result);
// nullopt: it is not one.
std::optional<ExecAsked> exec_asked(std::string_view json);
// The result that `json` tells of, without the output; nullopt: it tells of none.
std::optional<ProcessResult> exec_told(std::string_view json);

// run_process() by request.helper. What ran and was lost sight of ends as `signalled`.
boost::asio::awaitable<ProcessResult> run_by_helper(ProcessRequest request, Deadline deadline);

}  // namespace leverd::net
