// Why: the workspaces of the campaign's one tenant, as both builds of the platform keep them: the
// measured one and the newest. What a deleted one had and the new one has not is read here.
#pragma once

#include "core/base/time.hpp"
#include "tests/unit/levers/fake_http.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace leverd::test {

inline constexpr const char* bad_workspace = "aaaaaaaa-0000-4000-8000-000000000001";

class Workspaces {
  public:
    explicit Workspaces(const Now* now);

    void run_newest();
    // Answers what is asked under /workspaces; *what is what changed, if anything did.
    net::HttpResult serve(const net::HttpRequest& request, const std::string& path,
                          std::string* what);
    // Changes nothing that anybody uses: a token, or a create that is refused by design.
    static bool only_prepares(const net::HttpRequest& request);
    void go_on();

    // The fields of deleted workspaces, by the platform's names, that nothing with their name has
    // now: readable ones, the model and secrets. Empty when one is not replaced at all.
    std::vector<std::string> lost_fields() const;
    bool replaced() const;
    std::size_t deleted() const { return gone_.size(); }
    // Live tokens that were minted, not an agent's own.
    std::size_t minted_left() const;

  private:
    struct Workspace {
        nlohmann::json row;
        std::map<std::string, std::string> secrets;
        std::set<std::string> tokens;
        Instant boot{};  // when it is or was up
        bool booting = false;
    };
    net::HttpResult list() const;
    net::HttpResult create(const net::HttpRequest& request, std::string* what);
    net::HttpResult remove(const net::HttpRequest& request, const std::string& id,
                           std::string* what);
    net::HttpResult of_one(const net::HttpRequest& request, Workspace& one, const std::string& rest,
                           std::string* what);
    net::HttpResult secret_values(const net::HttpRequest& request, const Workspace& one) const;
    const Workspace* successor(const Workspace& old) const;
    const char* model_secret() const { return newest_ ? "MODEL" : "MODEL_PROVIDER"; }
    std::int64_t seconds_since(Instant then) const;

    const Now* now_;
    bool newest_ = false;
    std::map<std::string, Workspace> all_;
    std::vector<Workspace> gone_;
    int created_ = 0;
    int tokens_ = 0;
};

}  // namespace leverd::test
