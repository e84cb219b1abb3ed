// Why: c-ares reports a server that refuses and one that is silent with the same word, and in 1.18
// also one that answers SERVFAIL. Who is at fault differs, so its socket calls pass through here
// and are remembered by server. Private to core/net.
#pragma once

#ifndef CARES_NO_DEPRECATED
#define CARES_NO_DEPRECATED  // newer versions rename what 1.18 has under one name only
#endif
#include <ares.h>

#include <cstdint>
#include <map>
#include <string>

namespace leverd::net {

class AresSockets {
  public:
    // Makes the channel use these sockets; this object must outlive it.
    void attach(ares_channel channel);

    // A point in the order of events, to ask about what came after it.
    std::uint64_t mark() const { return events_; }
    // Some server answered, whatever it said.
    bool any_replied_since(std::uint64_t mark) const;
    // Every server that was asked was unreachable by the word of our own machine or theirs, and
    // none answered.
    bool all_refused_since(std::uint64_t mark) const;

  private:
    struct Seen {
        std::uint64_t asked = 0;
        std::uint64_t replied = 0;
        std::uint64_t refused = 0;
    };
    static const ares_socket_functions& functions();
    void count(ares_socket_t fd, std::uint64_t Seen::* what);
    void count_error(ares_socket_t fd);

    std::uint64_t events_ = 0;
    std::map<ares_socket_t, std::string> server_of_;
    std::map<std::string, Seen> seen_;
};

}  // namespace leverd::net
