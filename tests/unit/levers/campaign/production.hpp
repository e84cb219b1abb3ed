// Why: the judge of the fault campaign. A small production with its own virtual time that keeps a
// journal of every effect; whether leverd did something twice is read here, never in what leverd
// says of itself.
#pragma once

#include "core/base/time.hpp"
#include "tests/unit/levers/campaign/hosting.hpp"
#include "tests/unit/levers/campaign/workspaces.hpp"
#include "tests/unit/levers/fake_registry.hpp"

#include <map>
#include <string>
#include <vector>

namespace leverd::test {

inline constexpr const char* template_repo = "molecule-ai/workspace-template-hermes";
inline constexpr const char* platform_repo = "molecule-ai/platform";
inline constexpr const char* twin_repo = "molecule-ai/platform-tenant";

struct Landed {
    std::string intent;      // whose call it was
    std::string key;         // method, URL and what was sent
    std::string what;        // what changed
    std::string over;        // the digest that a retag replaced
    bool duplicate = false;  // something on the way delivered one call twice
};

class Production {
  public:
    // What the general levers call, and where it can be seen.
    static constexpr const char* hook = "https://hooks.test/acme/restart";
    static constexpr const char* hook_state = "https://hooks.test/acme/state";

    explicit Production(const Now* now);

    // The request arrives: its effect, in the journal, and the answer.
    net::HttpResult serve(const net::HttpRequest& request, const std::string& intent,
                          bool duplicate = false);
    // Another party moves every `:latest` that leverd may move.
    void retag_by_others();
    // What a healthy look at the subject's trouble would say: somebody did what helps.
    bool helped(const std::string& lever) const;
    bool tenant_up();
    double requests();

    static std::string key_of(const net::HttpRequest& request);

    // The machine runs and serves nothing, until it is redeployed.
    bool sick = false;
    std::vector<Landed> journal;
    Workspaces workspaces;
    FakeRegistry registry;
    std::string good;   // digests of the template
    std::string third;  // what the others set

  private:
    enum class Machine { running, stopping, stopped, booting };
    net::HttpResult control_plane(const net::HttpRequest& request, const std::string& path,
                                  Landed* landed);
    net::HttpResult fleet(const net::HttpRequest& request, Landed* landed);
    net::HttpResult tenant(const net::HttpRequest& request, const std::string& path,
                           Landed* landed);
    net::HttpResult hooks(const net::HttpRequest& request, Landed* landed);
    void go_on();
    std::int64_t seconds_since(Instant then) const;

    const Now* now_;
    Hosting hosting_;
    Machine machine_ = Machine::running;
    Instant since_{};
    Instant boot_{};
    int boots_ = 1;
};

}  // namespace leverd::test
