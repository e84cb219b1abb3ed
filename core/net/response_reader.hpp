// Why: everything a remote side sends passes through this one incremental reader: it is capped in
// every direction and needs no socket, so it can be tested and fuzzed alone. Private to core/net.
#pragma once

#include "core/net/fault.hpp"
#include "core/net/http.hpp"

#include <boost/asio/buffer.hpp>

#include <cstddef>
#include <memory>
#include <optional>

namespace leverd::net {

class ResponseReader {
  public:
    // `head`: the answer to a HEAD request, which has no body whatever its header says.
    ResponseReader(bool head, std::size_t header_limit, std::size_t body_limit);
    ~ResponseReader();
    ResponseReader(const ResponseReader&) = delete;
    ResponseReader& operator=(const ResponseReader&) = delete;

    // Where the next bytes go, and that so many came. A Fault ends the answer.
    boost::asio::mutable_buffer room();
    std::optional<Fault> took(std::size_t bytes);
    // The other side ended the connection in good order.
    std::optional<Fault> end();

    bool began() const;        // any byte came
    bool header_done() const;  // of the final answer, not of an interim one (1xx)
    // Of the final answer, as soon as its first line is here; 0 before that.
    int status() const noexcept;
    std::string retry_after() const;  // empty: none, or not read yet
    bool done() const;
    // The connection may carry another request: the answer is whole, nothing follows it, and
    // neither side wants to close.
    bool reusable() const;
    HttpResponse take();  // once done

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace leverd::net
