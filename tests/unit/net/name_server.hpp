// Why: a DNS server on loopback that answers, denies, fails or keeps silent by name.
#pragma once

#include "core/net/task_group.hpp"
#include "tests/unit/net/loop.hpp"

#include <boost/asio/ip/udp.hpp>

#include <array>
#include <map>
#include <string>

namespace leverd::net::test {

struct NameAnswer {
    enum class Kind { address, not_found, failure, silence } kind = Kind::silence;
    std::vector<std::array<unsigned char, 4>> addresses;
    unsigned ttl = 60;
};

class NameServer {
  public:
    NameServer(Loop& loop, std::map<std::string, NameAnswer> answers);
    ~NameServer();

    std::string address() const;       // "127.0.0.1:port"
    std::map<std::string, int> asked;  // questions of type A by name

  private:
    boost::asio::awaitable<void> serve();
    std::string reply_to(const std::string& question);

    Loop& loop_;
    std::map<std::string, NameAnswer> answers_;
    boost::asio::ip::udp::socket socket_;
    TaskGroup tasks_;
};

}  // namespace leverd::net::test
