// Why: the control port, through which tests break the world, read the journal and tell stories.
#include "control_http.hpp"

#include "faults.hpp"

namespace sandbox {

namespace {

Reply journal_list(const World& world, const Request& request) {
    Journal::Filter filter;
    const auto get = [&request](const char* key) {
        const auto found = request.query.find(key);
        return found == request.query.end() ? std::string() : found->second;
    };
    filter.host = get("host");
    filter.method = get("method");
    filter.path = get("path");
    filter.effects_only = get("effects") == "1";
    Reply reply;
    reply.body = world.journal->list(filter);
    return reply;
}

Reply post_fault(World& world, const Request& request) {
    const json body = parse(request.body);
    if (!body.is_object()) {
        return error_reply(400, "the body must be a JSON object with a kind");
    }
    json result = json::object();
    const std::string problem = apply_fault(world, body, result);
    if (!problem.empty()) {
        return error_reply(400, problem);
    }
    result["ok"] = true;
    return json_reply(200, result);
}

Reply post_story(Control& control, const Request& request) {
    const std::string name = text_of(parse(request.body), "name");
    if (!control.story->start(name)) {
        return error_reply(400, "name must be day or none");
    }
    return json_reply(200, control.story->status());
}

}  // namespace

Reply control_call(Control& control, Request& request) {
    World& world = *control.world;
    split_target(request);
    world.tick();
    const std::string what = request.method + " " + request.path;
    if (what == "GET /journal") {
        return journal_list(world, request);
    }
    if (what == "DELETE /journal") {
        world.journal->clear();
        return json_reply(200, json::object({{"ok", true}}));
    }
    if (what == "GET /state") {
        return json_reply(200, world.state());
    }
    if (what == "GET /ports") {
        return json_reply(200, control.ports);
    }
    if (what == "POST /fault") {
        return post_fault(world, request);
    }
    if (what == "POST /reset") {
        control.story->start("none");
        world.reset();
        return json_reply(200, json::object({{"ok", true}}));
    }
    if (what == "POST /story") {
        return post_story(control, request);
    }
    if (what == "GET /story") {
        return json_reply(200, control.story->status());
    }
    return error_reply(404,
                       "GET /journal /state /ports /story, DELETE /journal, POST /fault /reset "
                       "/story");
}

}  // namespace sandbox
