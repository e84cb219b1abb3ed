// Why: the state of the played stack and its own motion: cold starts, users that talk, tenants that
// follow their image. Hosts read and change it, stories and faults break it.
#pragma once

#include "hosting.hpp"
#include "http.hpp"
#include "hub.hpp"
#include "journal.hpp"
#include "registry.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sandbox {

struct Row {
    std::string id;
    std::int64_t at = 0;  // wall milliseconds
    std::string type;
    std::string source;  // empty: the canvas
    std::string text;    // the finished JSON object
};

// What a workspace's agent, or whoever asked for one, holds; the plain text is given out once.
struct AgentToken {
    std::string id;
    std::string token;
    std::int64_t created_at = 0;  // wall
};

struct Workspace {
    std::string id;
    std::string name;
    std::string runtime;
    std::string role;
    std::string model;  // what its machine boots with; what is stored is among the secrets
    std::string template_name;
    std::string parent_id;
    std::string access = "none";  // in no read
    std::string kind;             // "platform": the root of the organisation, on the newest build
    std::string url = "http://10.0.3.7:8000";
    std::string workspace_dir;
    std::string delivery_mode = "push";  // in no list
    json budget_limit;                   // null: none
    json compute;                        // newest build; null: none
    std::int64_t monthly_spend = 0;
    bool collapsed = false;
    bool broadcast = true;  // newest build
    bool talk = true;       // newest build
    // What its own reads count: schedules, memories, memory, config, channels, plugins.
    json belongings = json::object();
    std::vector<AgentToken> tokens;  // live ones
    int tier = 3;
    int max_concurrent = 1;
    double x = 0;
    double y = 0;
    std::map<std::string, std::string> secrets;
    std::string status = "provisioning";
    std::string digest;  // of the image it runs
    std::string form;    // how its answers fail; empty: they do not, unless the image is bad
    std::string last_error;
    std::int64_t created_at = 0;      // steady
    std::int64_t booted_at = 0;       // steady; of the agent that answers now
    std::int64_t heard_uptime = 0;    // seconds, as its last heartbeat had it
    std::int64_t online_at = 0;       // steady; when provisioning ends
    std::int64_t next_request = 0;    // steady
    std::int64_t removed_at = 0;      // wall; 0: not removed
    std::int64_t next_heartbeat = 0;  // steady
    std::string told;                 // the status that the event stream was told last
    std::int64_t requests = 0;
    std::deque<bool> recent_errors;  // as the platform counts them: rows with an error status
    std::deque<Row> rows;
};

struct Tenant {
    std::string slug;
    std::string org_id;
    std::string admin_token;
    std::string instance_status = "running";
    std::string created_at;
    bool later_build = false;           // since_secs, 410 Gone, /buildinfo
    bool newest = false;                // what was read of the newest build, and all of the above
    bool weak = false;                  // among those that a bad platform image breaks
    std::string down;                   // how it is broken; empty: it is not
    std::int64_t booting_until = 0;     // splash page until then
    std::int64_t restarting_until = 0;  // no process until then
    std::int64_t stopped_from = 0;      // `stopping` until then; 0: no stop under way
    std::int64_t crash_since = 0;       // 0: not in a crash loop
    bool crash_was_up = false;
    std::string platform_digest;
    std::string tenant_digest;
    bool pinned = false;  // redeployed with an explicit tag: follows no :latest
    std::int64_t next_update_check = 0;
    std::map<std::string, std::uint64_t> counters;  // molecule_http_requests_total by labels
    std::int64_t process_start = 0;
    std::vector<json> boot_events;
    std::int64_t window_start = 0;  // rate limit
    int window_used = 0;
    int rate_limit = 6000;
    std::vector<std::string> cors_origins;  // whose upgrades it takes; empty: everybody's
    std::vector<Workspace> workspaces;
};

// What a look at the tenant's process meets right now.
enum class Presence { up, cut, bad_gateway, splash };

struct Modes {
    std::string control_plane = "ok";
    std::string registry = "ok";
    std::string canvas = "ok";
    std::string pager = "ok";
    std::string forge = "ok";
    std::map<std::string, std::string> workflows;  // file -> state; else disabled_manually
    json runs = json::array();                     // {repository, file, status}
    bool network = true;
    CallMode redeploy;
    CallMode remove;
    CallMode create;
    CallMode values;  // of /secrets/values
    CallMode restart;
    CallMode stop;
    CallMode start;
    CallMode put_manifest;
    std::map<std::string, std::string> hostile;  // host -> mode
};

struct Settings {
    std::string cp_admin_token;
    std::string old_cp_admin_token;  // what it was before it was rotated
    std::string railway_token;
    std::string vercel_token;
    std::string registry_user = "leverd";
    std::string registry_token;
    int tls_port = 0;
    int rate_limit = 6000;
    bool newest = false;  // which build of the platform the tenants run at first
};

class World {
  public:
    World(Settings settings, Journal* journal);

    void tick();   // moves everything to now; called often
    void reset();  // the green world again; the journal stays

    Tenant* tenant(const std::string& slug);
    Workspace* workspace(Tenant& tenant, const std::string& id);
    // The newest workspace of the runtime that is not removed.
    Workspace* workspace_of(Tenant& tenant, const std::string& runtime);
    bool has_children(const Tenant& tenant, const std::string& id) const;

    Presence presence(const Tenant& tenant) const;
    // The tenant runs another build of the platform from now on: what it stores moves along.
    void set_newest(Tenant& tenant, bool newest);
    Workspace& provision(Tenant& tenant, Workspace wanted);
    void remove(Workspace& workspace);
    void restart(Workspace& workspace);
    // The terminate failed, and nobody looks at its status: the old agent's next heartbeat puts it
    // online again.
    void restart_in_vain(Workspace& workspace);
    // The whole effect of a redeploy; an empty tag means :latest.
    bool redeploy(Tenant& tenant, const std::string& tag);
    void stop(Tenant& tenant);
    // `stuck`: it boots and never comes up.
    void start(Tenant& tenant, bool stuck);
    void restart_process(Tenant& tenant);
    void boot_event(Tenant& tenant, const std::string& stage, const std::string& status);
    // Over the tenant's event stream.
    void tell(const Tenant& tenant, const std::string& event, const std::string& workspace,
              json payload);
    // Makes it the live one; the former live one is removed, as Railway does.
    void railway_up(RailwayDeployment& deployment);
    // The token that the control plane's admin calls need now.
    const std::string& admin_token() const;
    // A user asks for a workspace as the canvas would; nullptr for an unknown runtime.
    Workspace* user_provision(Tenant& tenant, const std::string& runtime);
    json state() const;
    bool green() const;

    std::int64_t now() const { return now_; }
    std::int64_t wall() const;

    Settings settings;
    Modes modes;
    RegistryStore registry;
    RailwayService railway;
    VercelApp vercel;
    std::vector<Tenant> tenants;
    Hub hub;
    Journal* journal;

  private:
    void seed_tenants();
    void seed_hosting();
    void tick_hosting();
    void tick_workspaces(Tenant& tenant);
    void tick_updates(Tenant& tenant);
    void tick_crash_loop(Tenant& tenant);
    void tick_events(Tenant& tenant);

    std::int64_t now_ = 0;
    std::vector<Tenant> seed_;
};

// The name under which a build keeps the model among the secrets.
const char* model_secret(const Tenant& tenant);

// rows.cpp: one user request and its answer, as the activity log keeps it.
void add_request_row(World& world, Tenant& tenant, Workspace& workspace);
// Why the answers of this workspace fail now; empty: they do not.
std::string failure_form(const World& world, const Workspace& workspace);
bool known_form(const std::string& form);

}  // namespace sandbox
