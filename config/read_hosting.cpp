// Why: the credentials of the two hosting levers. Each belongs to one lever and one host, so the
// sections stand apart from the stack that is watched.
#include "config/sections.hpp"

namespace leverd::config {
namespace {

void read_railway(TableReader& stack) {
    auto t = open_section(stack, "railway", "[stack.railway]");
    if (!t) {
        return;
    }
    Railway& c = stack.draft().config.railway;
    read_base_url(*t, c.url);
    t->text("project_id", c.project_id, a_uuid);
    t->text("environment_id", c.environment_id, a_uuid);
    t->text("service_id", c.service_id, a_uuid);
    t->secret("project_token", c.project_token);
    t->secret("account_token", c.account_token);
    t->finish();
}

void read_vercel(TableReader& stack) {
    auto t = open_section(stack, "vercel", "[stack.vercel]");
    if (!t) {
        return;
    }
    Vercel& c = stack.draft().config.vercel;
    read_base_url(*t, c.url);
    t->text("project_id", c.project_id, an_opaque_id);
    t->text("team_id", c.team_id, an_opaque_id);
    t->text("team_slug", c.team_slug, an_opaque_id);
    t->secret("token", c.token);
    t->finish();
}

}  // namespace

void read_hosting_sections(TableReader& stack) {
    read_railway(stack);
    read_vercel(stack);
}

}  // namespace leverd::config
