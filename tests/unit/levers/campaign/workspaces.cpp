// Why: see workspaces.hpp. Written from what the platform was measured and read to do, not from
// what the lever reads.
#include "tests/unit/levers/campaign/workspaces.hpp"

#include "core/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::test {
namespace {

using namespace std::chrono_literals;

constexpr auto boots_in = 20s;
constexpr const char* neighbour = "aaaaaaaa-0000-4000-8000-000000000002";
constexpr const char* root = "aaaaaaaa-0000-4000-8000-000000000003";

net::HttpResult json(int status, const nlohmann::json& body) {
    return answer(status, body.dump());
}

nlohmann::json row(const std::string& id, const std::string& name) {
    auto made = nlohmann::json::parse(R"({"tier":2,"url":"http://10.0.0.1","parent_id":null,
        "active_tasks":0,"max_concurrent_tasks":4,"last_error_rate":0.5,"runtime":"hermes",
        "x":12.5,"y":-3,"role":"writes reports","budget_limit":700,"workspace_dir":"",
        "monthly_spend":650,"collapsed":true,"last_sample_error":"","status":"online"})");
    made["id"] = id;
    made["name"] = name;
    return made;
}

std::string text(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

bool plain(const std::string& words) {
    return words.find_first_of("{}[]|>*&!\r\n") == std::string::npos;
}

}  // namespace

Workspaces::Workspaces(const Now* now) : now_(now) {
    for (const auto& [id, name] : {std::pair{bad_workspace, "Reporter"}, {neighbour, "Helper"}}) {
        Workspace one;
        one.row = row(id, name);
        one.secrets = {{"OPENROUTER_API_KEY", "s3cr3t-one"}, {"MODEL_PROVIDER", "openrouter/x"}};
        one.tokens = {std::string("agent-of-") + name};
        one.boot = now->at - 900s;
        all_[id] = std::move(one);
    }
}

void Workspaces::run_newest() {
    newest_ = true;
    Workspace top;
    top.row = row(root, "Concierge");
    top.boot = now_->at - 900s;
    all_[root] = std::move(top);
    for (auto& [id, one] : all_) {
        one.row["kind"] = id == root ? "platform" : "workspace";
        one.row["parent_id"] = id == root ? nlohmann::json() : nlohmann::json(root);
        one.row["compute"] = {{"provider", "aws"}, {"instance_type", "t3.large"}};
        one.row["broadcast_enabled"] = true;
        one.row["talk_to_user_enabled"] = false;
        auto stored = one.secrets.extract("MODEL_PROVIDER");
        if (!stored.empty()) {
            one.secrets["MODEL"] = stored.mapped();
        }
    }
}

bool Workspaces::only_prepares(const net::HttpRequest& request) {
    return request.url.find("/tokens") != std::string::npos ||
           request.body.find("leverd-rehearsal") != std::string::npos;
}

void Workspaces::go_on() {
    for (auto& [id, one] : all_) {
        one.booting = one.booting && now_->at < one.boot;
    }
}

std::int64_t Workspaces::seconds_since(Instant then) const {
    return std::chrono::duration_cast<std::chrono::seconds>(now_->at - then).count();
}

net::HttpResult Workspaces::serve(const net::HttpRequest& request, const std::string& path,
                                  std::string* what) {
    if (path == "/workspaces") {
        return request.method == "POST" ? create(request, what) : list();
    }
    const auto id = path.substr(sizeof("/workspaces/") - 1, 36);
    const auto rest = path.substr(std::min(path.size(), sizeof("/workspaces/") - 1 + 36));
    if (request.method == "DELETE" && rest.empty()) {
        return remove(request, id, what);
    }
    const auto found = all_.find(id);
    if (found == all_.end()) {
        return answer(404, R"({"error":"workspace not found"})");
    }
    return of_one(request, found->second, rest, what);
}

net::HttpResult Workspaces::list() const {
    nlohmann::json all = nlohmann::json::array();
    for (const auto& [id, one] : all_) {
        auto shown = one.row;
        shown["status"] = one.booting ? "provisioning" : "online";
        shown["uptime_seconds"] = one.booting ? 0 : seconds_since(one.boot);
        all.push_back(std::move(shown));
    }
    return json(200, all);
}

net::HttpResult Workspaces::create(const net::HttpRequest& request, std::string* what) {
    const auto body = nlohmann::json::parse(request.body);
    if (!plain(text(body, "name")) || !plain(text(body, "role"))) {
        return answer(400, R"({"error":"invalid workspace fields"})");
    }
    const auto secrets = body.value("secrets", nlohmann::json::object());
    if (newest_ && text(body, "model").empty()) {
        return answer(422, R"({"error":"model is required","code":"MODEL_REQUIRED"})");
    }
    if (newest_ && !secrets.contains("OPENROUTER_API_KEY")) {
        return answer(422, R"({"error":"no credential","code":"MISSING_BYOK_CREDENTIAL"})");
    }
    if (body.value("workspace_access", std::string("none")) != "none") {
        return answer(400, R"({"error":"invalid workspace access"})");
    }
    Workspace made;
    const auto id = fmt::format("bbbbbbbb-0000-4000-8000-{:012}", ++created_);
    made.row = row(id, text(body, "name"));
    made.row.update(nlohmann::json::parse(R"({"budget_limit":null,"monthly_spend":0,
        "collapsed":false,"tier":3,"runtime":"langgraph","role":null,"max_concurrent_tasks":1,
        "x":0,"y":0,"parent_id":null})"));
    for (const char* key :
         {"role", "runtime", "tier", "parent_id", "max_concurrent_tasks", "budget_limit"}) {
        made.row[key] = body.value(key, made.row[key]);
    }
    made.row.update(body.value("canvas", nlohmann::json::object()));
    made.secrets = secrets.get<std::map<std::string, std::string>>();
    if (newest_) {
        made.row["tier"] = 4;
        made.row["kind"] = "workspace";
        made.row["compute"] = body.value("compute", nlohmann::json());
        made.row["broadcast_enabled"] = true;
        made.row["talk_to_user_enabled"] = true;
        made.row["parent_id"] = body.value("parent_id", std::string(root));
        made.secrets["MODEL"] = text(body, "model");
    }
    made.boot = now_->at + boots_in;
    made.booting = true;
    *what = "create " + text(body, "name");
    all_[id] = std::move(made);
    return json(201, {{"id", id}, {"status", "provisioning"}});
}

net::HttpResult Workspaces::remove(const net::HttpRequest& request, const std::string& id,
                                   std::string* what) {
    const auto found = all_.find(id);
    if (newest_ && found == all_.end()) {
        return answer(404, R"({"error":"workspace not found"})");
    }
    if (newest_ && header_of(request, "X-Confirm-Name") != text(found->second.row, "name")) {
        return answer(400, R"({"error":"destructive_action_requires_confirmation"})");
    }
    // The measured build knows no existence check: a wrong id is answered with 200 too.
    *what = "delete " + id;
    if (found != all_.end()) {
        gone_.push_back(std::move(found->second));
        all_.erase(found);
    }
    return answer(200, R"({"status":"removed","cascade_deleted":0})");
}

net::HttpResult Workspaces::secret_values(const net::HttpRequest& request,
                                          const Workspace& one) const {
    const std::string bearer = request.bearer ? request.bearer->reveal() : std::string{};
    if (!one.tokens.empty() && !one.tokens.contains(bearer)) {
        return answer(401, R"({"error":"invalid workspace auth token"})");
    }
    return json(200, one.secrets);
}

net::HttpResult Workspaces::of_one(const net::HttpRequest& request, Workspace& one,
                                   const std::string& rest, std::string* what) {
    if (request.method == "POST" && rest == "/restart") {
        *what = "restart " + text(one.row, "id");
        one.boot = now_->at + boots_in;
        one.booting = true;
        return answer(200, R"({"status":"provisioning","reset_session":false})");
    }
    if (request.method == "POST" && rest == "/tokens") {
        const auto token = fmt::format("s3cr3t-{:04}-minted", ++tokens_);
        one.tokens.insert(token);
        return json(201, {{"auth_token", token}});
    }
    if (request.method == "DELETE" && rest.starts_with("/tokens/")) {
        const bool known = one.tokens.erase(rest.substr(8)) > 0;
        return known ? answer(200, R"({"status":"revoked"})") : answer(404, R"({"error":"none"})");
    }
    if (rest == "/tokens") {
        nlohmann::json rows = nlohmann::json::array();
        for (const auto& token : one.tokens) {
            rows.push_back({{"id", token}, {"prefix", token.substr(0, 12)}});
        }
        return json(200, {{"tokens", rows}});
    }
    if (rest == "/model") {
        const auto stored = one.secrets.find(model_secret());
        const bool known = stored != one.secrets.end();
        return json(200, {{"model", known ? stored->second : ""},
                          {"source", known     ? "workspace_secrets"
                                     : newest_ ? "unresolved"
                                               : "default"}});
    }
    if (rest == "/secrets") {
        nlohmann::json rows = nlohmann::json::array();
        for (const auto& [name, value] : one.secrets) {
            rows.push_back({{"key", name}, {"scope", "workspace"}, {"has_value", true}});
        }
        return json(200, rows);
    }
    if (rest == "/secrets/values") {
        return secret_values(request, one);
    }
    if (rest.starts_with("/activity")) {
        const nlohmann::json reply{{"result", {{"parts", {{{"text", "done"}}}}}}};
        const nlohmann::json answered{{"id", "cccccccc-0000-4000-8000-000000000001"},
                                      {"activity_type", "a2a_receive"},
                                      {"status", "ok"},
                                      {"created_at", format_rfc3339(now_->wall)},
                                      {"response_body", reply}};
        return json(200, nlohmann::json::array({answered}));
    }
    return answer(404, "<html></html>", "text/html");
}

const Workspaces::Workspace* Workspaces::successor(const Workspace& old) const {
    for (const auto& [id, one] : all_) {
        if (id.starts_with("bbbbbbbb") && one.row.at("name") == old.row.at("name")) {
            return &one;
        }
    }
    return nullptr;
}

bool Workspaces::replaced() const {
    return std::ranges::all_of(gone_,
                               [this](const auto& one) { return successor(one) != nullptr; });
}

std::vector<std::string> Workspaces::lost_fields() const {
    static const std::set<std::string> volatiles{"id",
                                                 "status",
                                                 "url",
                                                 "active_tasks",
                                                 "uptime_seconds",
                                                 "last_error_rate",
                                                 "last_sample_error"};
    std::vector<std::string> lost;
    for (const auto& old : gone_) {
        const auto* fresh = successor(old);
        if (fresh == nullptr) {
            continue;
        }
        for (const auto& [key, value] : old.row.items()) {
            const auto now = fresh->row.find(key);
            if (!volatiles.contains(key) && (now == fresh->row.end() || *now != value)) {
                lost.push_back(key);
            }
        }
        for (const auto& [name, value] : old.secrets) {
            const auto now = fresh->secrets.find(name);
            if (now == fresh->secrets.end() || now->second != value) {
                lost.push_back("secret " + name);
            }
        }
    }
    return lost;
}

std::size_t Workspaces::minted_left() const {
    std::size_t left = 0;
    for (const auto& [id, one] : all_) {
        left += static_cast<std::size_t>(std::ranges::count_if(
            one.tokens, [](const std::string& token) { return token.starts_with("s3cr3t-"); }));
    }
    return left;
}

}  // namespace leverd::test
