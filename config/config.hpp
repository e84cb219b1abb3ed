// Why: everything an operator can set, as plain structs with every default in view. Loading is in
// load.hpp.
#pragma once

#include "core/base/secret.hpp"
#include "core/model/observation.hpp"
#include "core/model/policy.hpp"
#include "core/model/runbook.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace leverd::config {

// Where a secret comes from; never the secret itself. Exactly one of the three is set.
struct SecretSource {
    std::string credential;   // file name under $CREDENTIALS_DIRECTORY (systemd LoadCredential)
    std::string file;         // path; must not be readable by others
    std::string environment;  // variable name
};

struct Daemon {
    std::string state_directory = "/var/lib/leverd";
    std::string socket = "/run/leverd/leverd.sock";  // unix socket of the command line
    std::string listen = "127.0.0.1:9847";
    std::string api_token;    // name in [secrets]; empty: no change over TCP at all
    std::string exec_socket;  // of leverd-exec.socket; empty: programs run as leverd's own user
    std::string stop_file;    // default <state_directory>/STOP; while it exists no lever fires
    std::string log_level = "info";
    int probes_in_flight = 256;
    Mode mode_ceiling = Mode::recommend;
};

// What is kept of what leverd remembers, and how a change to it is noticed.
struct LedgerSettings {
    Millis keep{400LL * 86'400'000};  // entries older than that go; zero: none does
    std::string witness;              // a file outside the state directory; empty: none
    std::string key;                  // name in [secrets]; empty: hashes that anybody can compute
};

struct Net {
    std::string ca_file;                   // PEM; empty: system store
    std::vector<std::string> nameservers;  // empty: system
    std::string user_agent = "leverd";
};

struct Observer {
    std::vector<std::string> references;  // URLs that answer when our own network works
    ObserverRules rules;
};

struct ControlPlane {
    std::string url;
    std::string admin_token;  // name in [secrets]
    std::string health_path = "/health";
    std::string orgs_path = "/cp/admin/orgs?limit=500";
    std::string login_path = "/cp/auth/me";
    std::string admin_token_path = "/cp/admin/orgs/{slug}/admin-token";
    std::string boot_events_path = "/cp/admin/tenants/{slug}/boot-events?limit=50";
    std::string redeploy_path = "/cp/admin/orgs/{slug}/redeploy";
};

struct Tenants {
    std::string url = "https://{slug}.moleculesai.app";
    std::vector<std::string> include;  // slug globs; empty: all that discovery finds
    std::vector<std::string> exclude;
    int requests_per_minute = 30;  // our share of a tenant's rate bucket, wire-contracts 2.1
    int share_percent = 5;         // never more of the limit that a tenant announces
};

struct Canvas {
    std::string url;
    std::string marker;  // text that the page must contain
    int assets_max = 40;
    bool browser = false;                        // load the page in a headless Chromium, too
    std::string browser_program;                 // absolute path; empty: the usual places are tried
    std::vector<std::string> browser_arguments;  // beside those of the look itself
};

struct Registry {
    std::string url;  // https://ghcr.io
    std::string user;
    std::string token;                  // name in [secrets]; empty: anonymous
    std::vector<std::string> images;    // repositories whose :latest is watched
    std::string platform_image;         // repository of lever A
    std::string platform_tenant_image;  // its twin
    std::string template_prefix = "molecule-ai/workspace-template-";
    bool allow_private_realm =
        false;  // a token realm on another host or a private address (wire-contracts 4.1)
};

// Lever E. Without a token it stays a person's job.
struct Railway {
    std::string url = "https://backboard.railway.com/graphql/v2";
    std::string project_id;  // UUIDs, all three
    std::string environment_id;
    std::string service_id;
    std::string project_token;  // name in [secrets]; good for one environment
    std::string account_token;  // name in [secrets]; one of the two, never both
    bool has_token() const { return !project_token.empty() || !account_token.empty(); }
};

// Lever F. Without a token it stays a person's job.
struct Vercel {
    std::string url = "https://api.vercel.com";
    std::string project_id;
    std::string team_id;    // "team_..."; of a project that belongs to a team one of the two
    std::string team_slug;  // is needed
    std::string token;      // name in [secrets]
    bool has_token() const { return !token.empty(); }
};

// A branch whose newest run and merges are watched.
struct ForgeBranch {
    std::string repository;  // "Molecule-AI/molecule-controlplane"
    std::string branch = "main";
    std::string workflow;   // "ci.yml"; empty: any run counts
    std::string commit;     // the expected SHA, 7 to 40 digits; empty: any
    std::string held_base;  // "staging": its merges are counted as held back; empty: none
};

struct Forge {
    std::string kind = "github";       // or "gitea"
    std::string url;                   // "https://api.github.com", "https://git.example/api/v1"
    std::string token;                 // name in [secrets]; empty: anonymous
    std::vector<std::string> writers;  // "owner/repo: file.yml": what else can move an image
    std::vector<ForgeBranch> branches;
};

struct FreezeSettings {
    bool active = false;
    std::string receipt;                 // digests-<TS>.txt
    std::string workflows_receipt;       // disabled-workflows-<TS>.txt
    Millis known_good_after{1'800'000};  // an image in service this long while all was well
};

struct Check;  // config/checks.hpp

// One schedule per probe; what is not listed does not run. A kind of the stack's own stands here at
// most once and is called by its kind; a general one is called by its name.
struct ProbeSettings {
    std::string kind;
    std::string name;                    // of a general probe; else empty
    std::string subject;                 // what a general probe speaks about
    Attributes attributes;               // of that subject, for [topology]
    std::shared_ptr<const Check> check;  // what a general probe asks; null for the others
    Millis interval{30'000};
    Millis retry{1'000};     // while a change is pending
    Millis timeout{10'000};  // the absolute deadline of one look
    Millis window{600'000};  // how far back it reads, where it reads history

    const std::string& called() const { return name.empty() ? kind : name; }
};

// A lever that the operator declares: one templated call, or one program. Its templates may hold
// {slug} and {id} of the subject, nothing else.
struct GeneralLever {
    std::string kind;  // "http" or "command"; empty: the lever is built in
    std::string title;
    std::vector<std::string> subjects;  // globs: what it may be fired on
    std::string inverse = "none";       // in words, for the approver
    bool irreversible = true;           // until the operator says otherwise
    bool disruptive = true;
    std::string probe;  // besides the symptom clearing, good looks of this probe at the subject
    // http
    std::string method = "POST";
    std::string url;
    std::map<std::string, std::string> headers;
    std::string secret;         // name in [secrets]
    std::string secret_header;  // the header that carries it, as "Bearer <secret>" when it is
                                // Authorization
    std::string body;
    std::vector<int> statuses{200, 201, 202, 204};
    std::string observe_url;  // GET: did it take? empty: nobody can tell
    int observe_status = 200;
    std::string observe_text;  // what its body must hold
    // command
    std::vector<std::string> argv;
    std::vector<int> no_effect_exit_codes;  // with these the program did nothing, for certain
    std::vector<std::string> observe_argv;  // exit 0: it took, 1: it did not, else nobody can tell
};

struct LeverSettings {
    std::string id;
    GeneralLever general;
    Millis timeout{30'000};
    std::optional<Millis> propagation;  // else the contract's
    std::optional<Millis> prove_every;
    std::optional<Millis> proof_spread;  // replaces the spread of every proof step that has one
    // Of workspace-reprovision: name in [secrets]; empty: secret values are kept nowhere.
    std::string sealing_key;
    // Of workspace-restart: tenants run a build on which a restarted agent comes back.
    bool keeps_token = false;
};

struct Notify {
    std::string id;
    std::string kind;  // "webhook" or "alertmanager"
    std::string url;
    std::string secret;  // name in [secrets]: signs the body, or is the bearer token
    std::map<std::string, std::string> labels;  // of an alertmanager's alerts, beside leverd's own
};

// Somebody who may use the API over TCP.
struct ApiTokenSettings {
    std::string name;    // what the ledger says about who did it
    std::string secret;  // name in [secrets]
    std::string role;    // read, approve, operate
};

struct MetricsSettings {
    int series_limit = 50'000;  // of subjects, in one scrape
};

// What may wake a look early. An empty secret: that inlet is off.
struct Events {
    std::string github;  // names in [secrets]
    std::string gitea;
    std::string vercel;
    std::string railway;  // the last part of the path
    std::string alertmanager;
    bool tenant_stream = false;        // a WebSocket to each watched tenant
    std::string tenant_stream_origin;  // the Origin that tenants allow; empty: their own
};

struct Config {
    Daemon daemon;
    LedgerSettings ledger;
    Net net;
    std::map<std::string, SecretSource> secrets;
    Observer observer;
    ControlPlane control_plane;
    Tenants tenants;
    Canvas canvas;
    Registry registry;
    Railway railway;
    Vercel vercel;
    Forge forge;
    FreezeSettings freeze;
    std::vector<ProbeSettings> probes;
    std::vector<LeverSettings> levers;
    std::vector<Notify> notify;
    Events events;
    std::vector<ApiTokenSettings> api_tokens;
    MetricsSettings metrics;
    Runbook runbook;
    PolicyBook policies;
    std::string hash;                // over all files read, in order
    std::vector<std::string> files;  // that were read
    std::vector<std::string> warnings;
};

}  // namespace leverd::config
