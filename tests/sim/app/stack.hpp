// Why: the production that a simulated leverd watches, answering as the wire contracts say and
// never kinder: a 200 of the edge while a machine boots, calls that are accepted and do nothing, a
// guard that hides behind 404. It keeps a journal of what really happened.
#pragma once

#include "core/base/time.hpp"
#include "core/net/http.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace leverd::sim {

class FakeStack {
  public:
    struct Landed {
        std::int64_t at = 0;  // uptime
        std::string slug;
        std::string what;  // redeploy, stop, start
    };
    enum class Machine { running, wedged, booting, stopping, stopped };

    FakeStack();

    net::HttpResult serve(const net::HttpRequest& request);
    void wedge(const std::string& slug, bool stubborn);
    void heal();
    bool up(const std::string& slug);
    std::vector<std::string> slugs() const;

    bool control_plane_up = true;
    bool network_up = true;
    std::vector<Landed> journal;

  private:
    struct Tenant {
        std::string org;
        Machine machine = Machine::running;
        std::int64_t since = 0;  // of what the machine does now
        std::int64_t boot = 0;
        std::vector<std::int64_t> boots;
        bool stubborn = false;  // a redeploy is accepted and helps nothing
        int token = 0;          // every redeploy makes a new one
    };
    net::HttpResult control_plane(const net::HttpRequest& request, const std::string& path);
    net::HttpResult admin(const net::HttpRequest& request, const std::string& path);
    net::HttpResult change(Tenant& tenant, const std::string& slug, const std::string& what);
    net::HttpResult tenant(const net::HttpRequest& request, Tenant& at, const std::string& path);
    void go_on();

    std::map<std::string, Tenant> tenants_;
};

}  // namespace leverd::sim
