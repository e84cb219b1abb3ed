// Why: see fake_http.hpp.
#include "tests/unit/levers/fake_http.hpp"

namespace leverd::test {

net::HttpResult answer(int status, std::string body, std::string type) {
    net::HttpResponse response;
    response.status = status;
    response.headers["content-type"] = std::move(type);
    response.body = std::move(body);
    return response;
}

net::HttpResult html(int status) {
    return answer(status, "<!doctype html><title>starting</title>", "text/html; charset=utf-8");
}

net::HttpResult no_body(int status) {
    net::HttpResponse response;
    response.status = status;
    return response;
}

net::HttpResult cut(int status) {
    net::HttpFailure failure;
    failure.reason = Reason::body_cut;
    failure.detail = "cut within its body";
    failure.sent = true;
    failure.status = status;
    return failure;
}

net::HttpResult lost() {
    net::HttpFailure failure;
    failure.reason = Reason::header_timeout;
    failure.detail = "no answer in time";
    failure.sent = true;
    return failure;
}

net::HttpResult not_sent() {
    net::HttpFailure failure;
    failure.reason = Reason::connect_refused;
    failure.detail = "connection refused";
    return failure;
}

void FakeHttp::script(const std::string& call, std::vector<net::HttpResult> replies) {
    auto& queue = scripts_[call];
    queue.assign(replies.begin(), replies.end());
}

boost::asio::awaitable<net::HttpResult> FakeHttp::fetch(net::HttpRequest request,
                                                        net::Deadline deadline) {
    seen.push_back(request);
    deadlines.push_back(deadline);
    const std::string call = request.method + " " + request.url;
    const auto found = scripts_.find(call);
    if (found != scripts_.end() && !found->second.empty()) {
        net::HttpResult reply = found->second.front();
        if (found->second.size() > 1) {
            found->second.pop_front();
        }
        co_return reply;
    }
    auto served = server_ ? server_(request) : std::nullopt;
    if (served) {
        co_return std::move(*served);
    }
    unscripted.push_back(call);
    co_return not_sent();
}

std::vector<std::string> FakeHttp::calls() const {
    std::vector<std::string> all;
    for (const auto& request : seen) {
        all.push_back(request.method + " " + request.url);
    }
    return all;
}

std::vector<std::string> FakeHttp::mutations() const {
    std::vector<std::string> all;
    for (const auto& request : seen) {
        if (request.method != "GET" && request.method != "HEAD") {
            all.push_back(request.method + " " + request.url);
        }
    }
    return all;
}

const net::HttpRequest* FakeHttp::find(const std::string& call) const {
    for (const auto& request : seen) {
        if (request.method + " " + request.url == call) {
            return &request;
        }
    }
    return nullptr;
}

std::string header_of(const net::HttpRequest& request, const std::string& name) {
    for (const auto& [key, value] : request.headers) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

}  // namespace leverd::test
