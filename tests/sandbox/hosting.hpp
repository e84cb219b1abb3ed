// Why: the two hosting providers of the played stack: which deployments they have, which one is
// live, and what a rollback does after it was accepted. Their wire forms are in railway_http.cpp
// and vercel_http.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sandbox {

// A mode that holds for the next call only, unless sticky.
struct CallMode {
    std::string mode = "ok";
    bool sticky = false;
    std::string take();  // the mode for this call
};

struct RailwayDeployment {
    std::string id;
    std::string status;
    std::string commit;
    std::string snapshot;
    std::int64_t created = 0;  // wall milliseconds
    bool can_rollback = true;
    std::string breaks;      // the control-plane mode while it is live: "ok" when it is good
    bool old_token = false;  // its variables hold an older CP_ADMIN_API_TOKEN
    std::int64_t ends = 0;   // steady; 0: it has ended
    std::string end_status;
};

struct RailwayService {
    std::string token;
    std::string project_id = "7a1e0000-0000-4000-8000-0000000000a1";
    std::string environment_id = "7a1e0000-0000-4000-8000-0000000000a2";
    std::string service_id = "7a1e0000-0000-4000-8000-0000000000a3";
    std::vector<RailwayDeployment> deployments;  // oldest first
    CallMode rollback;  // ok lost lost_before_effect http_500 refused problem false noop html 429
    CallMode reads;     // ok 429 refused 5xx
    std::string next_end = "SUCCESS";  // of the next rollback's deployment
    bool next_old_token = false;
};

struct VercelDeployment {
    std::string id;
    std::string state = "READY";
    std::string commit;
    std::int64_t created = 0;
    bool was_live = true;
    std::string breaks = "ok";  // the canvas mode while it is live
};

struct VercelJob {
    std::string from;
    std::string to;
    std::string status;
    std::string type;
    std::int64_t requested = 0;  // wall milliseconds; 0: there never was one
    std::int64_t ends = 0;       // steady
    std::string end_status;
    bool partial = false;  // one domain stays where it was
};

struct VercelApp {
    std::string token;
    std::string project_id = "prj_sandbox";
    std::string team_id = "team_sandbox";
    std::vector<VercelDeployment> deployments;  // oldest first
    std::string live;
    VercelJob job;
    CallMode move;                       // ok lost lost_before_effect http_500 402 409 422 429 noop
    CallMode reads;                      // ok 429 5xx
    std::string next_end = "succeeded";  // of the next move's job; partial: one domain stays
};

}  // namespace sandbox
