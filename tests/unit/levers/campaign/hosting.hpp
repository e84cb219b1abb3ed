// Why: the two hosts of levers E and F for the fault campaign, with what they remember: a service
// whose rollback becomes a new deployment, and a project whose domains a job moves.
#pragma once

#include "core/base/time.hpp"
#include "core/net/http.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace leverd::test {

class Hosting {
  public:
    static constexpr const char* railway_url = "https://railway.test/graphql/v2";
    static constexpr const char* vercel_url = "https://vercel.test";

    explicit Hosting(const Now* now);

    // nullopt: the request is for another host. `what` says what changed; empty: nothing.
    std::optional<net::HttpResult> serve(const net::HttpRequest& request, std::string* what);

  private:
    struct Deployment {
        int number = 0;
        std::string status;
        std::string commit;
        Instant since{};
    };
    net::HttpResult railway(const net::HttpRequest& request, std::string* what);
    net::HttpResult railway_list() const;
    net::HttpResult vercel(const net::HttpRequest& request, std::string* what);
    net::HttpResult project() const;
    void go_on();

    const Now* now_;
    std::vector<Deployment> deployments_;  // newest first
    std::string live_ = "dpl_bad";
    std::string wanted_;          // of the newest job; empty: there never was one
    std::int64_t requested_ = 0;  // Vercel's clock
    Instant since_{};             // of that job
};

}  // namespace leverd::test
