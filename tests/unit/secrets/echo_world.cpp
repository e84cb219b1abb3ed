// Why: see echo_world.hpp.
#include "tests/unit/secrets/echo_world.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace leverd::test {
namespace {

namespace asio = boost::asio;

// Every value that was sent, each in the coat.
std::string echo_of(const net::HttpRequest& request, const EchoForm& form) {
    std::vector<std::string> values;
    for (const auto& [name, value] : request.headers) {
        values.push_back(value);
    }
    if (request.bearer) {
        values.push_back(request.bearer->reveal());
        values.push_back("Bearer " + request.bearer->reveal());
    }
    if (request.basic) {
        const auto pair = request.basic->first + ":" + request.basic->second.reveal();
        values.push_back("Basic " + base64(pair));
        values.push_back(request.basic->second.reveal());
    }
    values.push_back(request.body);
    values.push_back(request.url);
    std::string all = "you sent";
    for (const auto& value : values) {
        all += " <" + form.put_on(value) + ">";
    }
    return all;
}

net::HttpFailure failure_saying(std::string words) {
    net::HttpFailure failure;
    failure.reason = Reason::bad_protocol;
    failure.detail = std::move(words);
    failure.sent = true;
    return failure;
}

}  // namespace

asio::awaitable<net::HttpResult> EchoHttp::fetch(net::HttpRequest request, net::Deadline) {
    ++asked;
    const std::string words = echo_of(request, *form);
    if (how == Echo::failure) {
        co_return failure_saying(words);
    }
    net::HttpResponse response;
    response.status = how == Echo::body_of_401   ? 401
                      : how == Echo::body_of_404 ? 404
                      : how == Echo::body_of_500 ? 500
                                                 : 200;
    response.headers["content-type"] = "application/json";
    if (how == Echo::header) {
        response.headers["x-request"] = words;
        response.headers["location"] = words;
        response.body = "{}";
    } else {
        // Inside JSON the coat gets JSON's own escapes on top.
        response.body =
            how == Echo::body_of_200
                ? nlohmann::json{{"error", words}, {"status", words}, {"message", words}}.dump()
                : words;
    }
    co_return response;
}

asio::awaitable<net::DialResult> EchoDialer::dial(net::DialRequest, net::Deadline) {
    if (how == Echo::failure) {
        co_return failure_saying(said);
    }
    net::Dialed dialed;
    dialed.received = said;
    dialed.certificate = net::Certificate{said, said, {}, {}, 1};
    co_return dialed;
}

asio::awaitable<net::RecordsResult> EchoDialer::records(std::string, net::RecordType, std::string,
                                                        net::Deadline) {
    if (how == Echo::failure) {
        co_return failure_saying(said);
    }
    net::Records records;
    records.texts = {said};
    co_return records;
}

EchoWorld::EchoWorld() {
    for (const std::string name : {"cp", "registry", "forge", "railway", "vercel", "probe", "hook",
                                   "sink", "api", "webhook"}) {
        secrets.emplace(name, Secret("Kn0wn/" + name + "+of=pr0d&7QzX"));
    }
    admin_token = "Kn0wn/tenant+of=pr0d&7QzX";
    config.control_plane.url = "https://cp.test";
    config.control_plane.admin_token = "cp";
    config.tenants.url = "https://{slug}.test";
    config.canvas.url = "https://canvas.test";
    config.registry.url = "https://registry.test";
    config.registry.user = "robot";
    config.registry.token = "registry";
    config.registry.images = {"molecule-ai/platform"};
    config.registry.platform_image = "molecule-ai/platform";
    config.registry.platform_tenant_image = "molecule-ai/platform-tenant";
    config.railway.project_id = config.railway.environment_id = config.railway.service_id =
        organisation;
    config.railway.project_token = "railway";
    config.vercel.project_id = "prj_1";
    config.vercel.team_id = "team_1";
    config.vercel.token = "vercel";
    config.forge.url = "https://forge.test";
    config.forge.token = "forge";
    config.forge.branches.push_back({"Molecule-AI/molecule-core", "main", "ci.yml", "", "staging"});
    config.observer.references = {"https://reference.test"};
    inventory.tenants[slug] = Tenant{slug, organisation, "running"};
    inventory.admin_tokens[slug] = Secret(std::string(admin_token));
    for (const auto& [name, secret] : secrets) {
        needles_[name] = needles_of(secret.reveal());
    }
    needles_["tenant"] = needles_of(admin_token);
    inventory.workspaces[slug] = {{workspace, "one", "claude", "online"}};
}

void EchoWorld::echo(Echo how, const EchoForm& coat) {
    form = &coat;
    http.how = how;
    http.form = &coat;
    dialer.how = how;
    dialer.said = worn("probe");
    inventory.admin_tokens[slug] = Secret(std::string(admin_token));
}

std::string EchoWorld::worn(const std::string& name) const {
    return form->put_on(secrets.at(name).reveal());
}

std::string EchoWorld::leaked(const std::string& text) const {
    std::string names;
    for (const auto& [name, needles] : needles_) {
        names += holds_any(text, needles) ? name + " " : "";
    }
    return names;
}

}  // namespace leverd::test
