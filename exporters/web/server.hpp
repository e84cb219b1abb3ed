// Why: one Beast server for page, metrics and API, on a TCP address and on the command line's unix
// socket.
#pragma once

#include "core/base/secret.hpp"
#include "core/net/task_group.hpp"
#include "exporters/web/backend.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <optional>
#include <string>

namespace leverd::exporters {

struct WebOptions {
    std::string listen;           // "127.0.0.1:9847"; port 0 picks a free one
    std::string socket;           // path of the unix socket; empty: none
    std::optional<Secret> token;  // for changes over TCP; nullopt: changes over TCP are refused
};

class WebServer {
  public:
    // Binds both; an Error names the address and what holds it.
    static Result<std::unique_ptr<WebServer>> bind(boost::asio::any_io_executor executor,
                                                   net::TaskGroup& tasks, Backend& backend,
                                                   WebOptions options);
    ~WebServer();
    unsigned short port() const;
    void start();  // accepts from now on, as tasks of the group

  private:
    struct Impl;
    explicit WebServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace leverd::exporters
