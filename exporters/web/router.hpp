// Why: one table says which address does what and what it needs; nothing else decides about routes.
#pragma once

#include "exporters/web/access.hpp"
#include "exporters/web/backend.hpp"
#include "exporters/web/http.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace leverd::exporters::web {

// What a handler gets: checked, routed and authorised.
struct Call {
    Backend* backend = nullptr;
    const Request* request = nullptr;
    std::string capture;  // the {} of the pattern, decoded
    Query query;
    std::string who;  // the identity, for changes
};

// Answers any request; never throws. `backend` and `access` outlive the call.
boost::asio::awaitable<Response> serve(Backend& backend, const Access& access, Request request);

// The routes for GET that only read the present state.
Response get_asset(const Call& call);
Response get_metrics(const Call& call);
Response get_healthy(const Call& call);
Response get_ready(const Call& call);
Response get_status(const Call& call);
Response get_subjects(const Call& call);
Response get_subject(const Call& call);
Response get_symptoms(const Call& call);
Response get_incidents(const Call& call);
Response get_decisions(const Call& call);
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

// Those that read the ledger or ask for a change.
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
