// Why: whether the freeze holds and on which commit the control plane is built is known by the
// forge (wire-contracts 5). GitHub and Gitea answer almost alike, so one client speaks to both and
// only the spelling of a call differs. The forge may vanish as a whole, which must not be read as
// a bad token only.
#pragma once

#include "core/base/secret.hpp"
#include "core/stack/call.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leverd::stack {

// What outlives one look: answers by ETag (a 304 costs nothing of the rate limit) and how long the
// forge asked to be left alone. At most 500 answers are kept.
struct ForgeMemory {
    struct Answer {
        std::string etag;
        net::HttpResponse response;
    };
    std::map<std::string, Answer> answers;  // by URL
    Instant quiet_until{};
};

struct RunQuery {
    std::string branch;  // empty: every branch
    std::string status;  // "in_progress", "queued"; empty: every state
    int limit = 20;
};

// How one kind of forge spells the calls. Everything else is the same.
struct ForgeDialect {
    std::string_view name;
    std::string_view accept;
    std::string_view version_header;  // empty: none
    std::string_view version;
    std::string (*runs_path)(const std::string& repository, const RunQuery& query);
    std::string (*merged_path)(const std::string& repository, const std::string& base);
};
extern const ForgeDialect github_dialect;
extern const ForgeDialect gitea_dialect;
// "github" or "gitea"; nullptr: no such kind.
const ForgeDialect* find_forge(std::string_view name);

struct ForgeAccess {
    net::HttpTransport* http = nullptr;
    std::string url;  // "https://api.github.com", "https://git.example/api/v1"
    Secret token;     // empty: anonymous
    const ForgeDialect* dialect = nullptr;
    ForgeMemory* memory = nullptr;
    const Clock* clock = nullptr;
};

struct Workflow {
    std::string file;   // "publish-image.yml"
    std::string state;  // "active", "disabled_manually", "disabled_inactivity", ...; sanitized
};

struct Run {
    std::string id;
    std::string file;  // of the workflow, without path and ref; empty when the forge hides it
    std::string name;
    std::string sha;  // 40 hex digits, or empty
    std::string branch;
    std::string event;
    std::string status;      // "completed", "in_progress", "queued", ...
    std::string conclusion;  // empty until completed
    std::optional<WallTime> created;
};

struct Merge {
    std::int64_t number = 0;
    std::string title;  // untrusted, sanitized
    std::optional<WallTime> merged;
};

// "Owner/repo" of letters, digits, '-', '_' and '.'; the file name of a workflow, "x.yml".
bool is_forge_repository(std::string_view text);
bool is_workflow_file(std::string_view text);
bool is_commit(std::string_view text);  // 7 to 40 lower-case hex digits
// "publish.yml" of ".github/workflows/publish.yml" and of "publish.yml@refs/heads/main".
std::string workflow_file(std::string_view path);

// One conversation with a forge; calls are made one after the other. Must outlive its coroutines.
class Forge {
  public:
    explicit Forge(ForgeAccess access) : access_(std::move(access)) {}

    boost::asio::awaitable<Read<Workflow>> workflow(std::string repository, std::string file,
                                                    net::Deadline deadline);
    boost::asio::awaitable<Read<std::vector<Run>>> runs(std::string repository, RunQuery query,
                                                        net::Deadline deadline);
    // Merged into `base`, newest merge first, of the newest page.
    boost::asio::awaitable<Read<std::vector<Merge>>> merged(std::string repository,
                                                            std::string base,
                                                            net::Deadline deadline);
    // After a 401: does the forge still know this repository without our token? Then only the
    // token is bad. nullopt: yes. Otherwise the Problem, forge_lost when everything is refused.
    boost::asio::awaitable<std::optional<Problem>> loss(std::string repository, Problem refused,
                                                        net::Deadline deadline);

  private:
    net::HttpRequest request(const std::string& path, bool with_token) const;
    // A 200 as JSON text: asked with the known ETag, a 304 gives the kept answer.
    boost::asio::awaitable<Read<net::HttpResponse>> get(net::HttpRequest request,
                                                        net::Deadline deadline);
    void note_pace(const net::HttpResponse& response);

    ForgeAccess access_;
};

// How long a 403 or 429 asks to wait: retry-after, else until x-ratelimit-reset when nothing
// remains, else a minute. nullopt: the answer is no rate limit. At most an hour.
std::optional<Millis> asked_pause(const net::HttpResponse& response, WallTime now);

}  // namespace leverd::stack
