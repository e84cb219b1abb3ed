// Why: a real server on real sockets in a thread of its own, and a plain client that can misbehave.
#pragma once

#include "core/net/task_group.hpp"
#include "exporters/web/server.hpp"
#include "tests/unit/exporters/web_world.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <functional>
#include <thread>

namespace web_world {

// A folder that goes away with the test.
class ScratchFolder {
  public:
    ScratchFolder();
    ~ScratchFolder();
    std::string path(const std::string& name) const { return (path_ / name).string(); }

  private:
    std::filesystem::path path_;
};

class Host {
  public:
    explicit Host(exporters::WebLimits limits = {}, const std::string& listen = "127.0.0.1:0");
    ~Host();  // as the daemon ends: cancel, join, then destroy

    // Runs on the server's thread and waits for it.
    void on_loop(const std::function<void()>& work);
    exporters::WebFigures figures();
    void set_tokens(exporters::ApiTokens tokens);
    unsigned short port() const { return port_; }
    std::string socket() const { return folder_.path("api.sock"); }

    FakeBackend backend;
    std::vector<std::string> thrown;  // tasks that threw: always a defect

  private:
    ScratchFolder folder_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    leverd::net::TaskGroup tasks_;
    std::unique_ptr<exporters::WebServer> server_;
    unsigned short port_ = 0;
    std::thread thread_;
};

// A blocking client. Reads end by the daemon closing, by `until`, or after five seconds.
class Client {
  public:
    explicit Client(unsigned short port);
    explicit Client(const std::string& socket_path);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    bool send(const std::string& bytes);
    std::string read(const std::string& until = "");
    void say_no_more();     // half-closes
    bool closed_by_peer();  // waits for the end of the stream

  private:
    int descriptor_ = -1;
};

std::string get_text(const std::string& target, const std::string& more = "");
int status_of(const std::string& answer);

}  // namespace web_world
