// Why: one table says which address does what and what it needs; nothing else decides about routes.
#pragma once

#include "exporters/web/access.hpp"
#include "exporters/web/backend.hpp"
#include "exporters/web/figures.hpp"
#include "exporters/web/http.hpp"
#include "exporters/web/line.hpp"
#include "exporters/web/throttle.hpp"
#include "exporters/web/worker.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace leverd::exporters::web {

// What all connections of a server share; without it (in tests) everything is done at once.
struct Service {
    // What costs much, each kind one at a time, so that no kind can keep another waiting for long.
    Line* views = nullptr;     // of the whole state
    Line* history = nullptr;   // of the ledger
    Line* scrapes = nullptr;   // /metrics
    Worker* worker = nullptr;  // makes large texts
    Throttle* throttle = nullptr;
    WebFigures* figures = nullptr;
};

// What a handler gets: checked, routed and authorised.
struct Call {
    Backend* backend = nullptr;
    std::shared_ptr<const Request> request;
    std::string capture;  // the {} of the pattern, decoded
    Query query;
    std::string who;  // the identity, for changes
    Role role = Role::read;
    Worker* worker = nullptr;
};

// Answers any request; never throws. `backend` and what `service` points to outlive the call.
// `reserved`: the connection sits where only urgent requests are answered.
boost::asio::awaitable<Response> serve(Backend& backend, Access access, Request request,
                                       Service service = {}, bool reserved = false);

// No seat is free for what was asked.
Response busy_response();

// The routes for GET that only read the present state.
Response get_asset(const Call& call);
Response get_healthy(const Call& call);
Response get_ready(const Call& call);
Response get_status(const Call& call);
Response get_subject(const Call& call);
Response get_decision(const Call& call);
Response get_levers(const Call& call);
Response get_intent(const Call& call);
Response get_policies(const Call& call);
Response get_vetoes(const Call& call);
Response get_overview(const Call& call);
Response get_openapi(const Call& call);
Response get_stream(const Call& call);
Response get_probes(const Call& call);
Response get_results(const Call& call);
// Events from outside, which prove who sent them by themselves.
Response post_event(const Call& call);
Response post_railway_event(const Call& call);
// A body that was too large for the inlet that `target` names, if it names one.
void count_too_large(Backend& backend, std::string_view target);

// Those that take a while, read the ledger or ask for a change.
boost::asio::awaitable<Response> get_metrics(Call call);
boost::asio::awaitable<Response> get_subjects(Call call);
boost::asio::awaitable<Response> get_symptoms(Call call);
boost::asio::awaitable<Response> get_incidents(Call call);
boost::asio::awaitable<Response> get_decisions(Call call);
boost::asio::awaitable<Response> get_incident(Call call);
boost::asio::awaitable<Response> get_ledger(Call call);
boost::asio::awaitable<Response> get_why(Call call);
boost::asio::awaitable<Response> post_accept_history(Call call);
boost::asio::awaitable<Response> post_reload(Call call);
boost::asio::awaitable<Response> post_fire(Call call);
boost::asio::awaitable<Response> post_approve(Call call);
boost::asio::awaitable<Response> post_reject(Call call);
boost::asio::awaitable<Response> post_stop(Call call);
boost::asio::awaitable<Response> post_veto(Call call);
boost::asio::awaitable<Response> delete_veto(Call call);
boost::asio::awaitable<Response> post_acknowledge(Call call);
boost::asio::awaitable<Response> post_test_page(Call call);
boost::asio::awaitable<Response> post_look(Call call);
boost::asio::awaitable<Response> post_heartbeat(Call call);

}  // namespace leverd::exporters::web
