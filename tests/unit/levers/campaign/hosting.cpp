// Why: see hosting.hpp.
#include "tests/unit/levers/campaign/hosting.hpp"

#include "tests/unit/levers/hosting_scene.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace leverd::test {
namespace {

using namespace std::chrono_literals;

constexpr auto builds_in = 30s;
constexpr auto moves_in = 10s;
constexpr const char* refused = R"({"errors":[{"message":"Problem processing request"}]})";

}  // namespace

Hosting::Hosting(const Now* now) : now_(now) {
    deployments_ = {{3, "SUCCESS", "bad", now->at - 900s},
                    {2, "REMOVED", "good", now->at - 9000s},
                    {1, "REMOVED", "older", now->at - 90000s}};
}

void Hosting::go_on() {
    auto& newest = deployments_.front();
    if (newest.status == "BUILDING" && now_->at - newest.since >= builds_in) {
        for (auto& one : deployments_) {
            one.status = one.status == "SUCCESS" ? "REMOVED" : one.status;
        }
        newest.status = "SUCCESS";
    }
    if (!wanted_.empty() && now_->at - since_ >= moves_in) {
        live_ = wanted_;
    }
}

std::optional<net::HttpResult> Hosting::serve(const net::HttpRequest& request, std::string* what) {
    go_on();
    if (request.url.starts_with(railway_url)) {
        return railway(request, what);
    }
    if (request.url.starts_with(vercel_url)) {
        return vercel(request, what);
    }
    return std::nullopt;
}

net::HttpResult Hosting::railway_list() const {
    std::vector<nlohmann::json> rows;
    for (const auto& one : deployments_) {
        rows.push_back(railway_row(one.number, one.status.c_str(), one.commit.c_str()));
    }
    return test::railway_list(rows);
}

net::HttpResult Hosting::railway(const net::HttpRequest& request, std::string* what) {
    const auto body = nlohmann::json::parse(request.body);
    const std::string query = body.at("query");
    if (query.starts_with("query ")) {
        return railway_list();
    }
    const std::string id = body.at("variables").at("id");
    const auto target = std::ranges::find_if(
        deployments_, [&](const Deployment& one) { return deployment_id(one.number) == id; });
    if (target == deployments_.end()) {
        return answer(200, refused);
    }
    const std::string commit = target->commit;
    const int number = deployments_.front().number + 1;
    deployments_.insert(deployments_.begin(), {number, "BUILDING", commit, now_->at});
    *what = "deploy " + commit;
    return railway_says(R"({"deploymentRollback":true})");
}

net::HttpResult Hosting::project() const {
    if (wanted_.empty()) {
        return vercel_project(live_.c_str());
    }
    const char* status = live_ == wanted_ ? "succeeded" : "in-progress";
    return vercel_project(live_.c_str(), alias_entry(wanted_.c_str(), status, requested_));
}

net::HttpResult Hosting::vercel(const net::HttpRequest& request, std::string* what) {
    const std::string path = request.url.substr(std::string(vercel_url).size());
    if (request.method == "POST") {
        constexpr std::string_view rollback = "/v1/projects/prj_1/rollback/";
        if (!path.starts_with(rollback)) {
            return answer(404, R"({"error":{"code":"not_found"}})");
        }
        const auto end = path.find('?');
        wanted_ = path.substr(rollback.size(), end - rollback.size());
        requested_ = to_millis(now_->wall);
        since_ = now_->at;
        *what = "point the domains at " + wanted_;
        return answer(201, "{}");
    }
    if (path.starts_with("/v9/projects/prj_1?")) {
        return project();
    }
    if (path.starts_with("/v6/deployments?")) {
        return vercel_list({vercel_row("dpl_bad", 30), vercel_row("dpl_good", 20)});
    }
    return answer(200, R"({"aliases":[]})");
}

}  // namespace leverd::test
