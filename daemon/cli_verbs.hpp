// Why: the verbs that ask the running daemon. Each one is a function from its arguments to what is
// printed and the exit code, so that scripts can rely on both.
#pragma once

#include "daemon/app.hpp"

#include <string>

namespace leverd::cli {

struct CliOptions {
    std::string socket = "/run/leverd/leverd.sock";
    bool json = false;   // print the API's JSON
    bool color = false;  // see wants_color()
};

// A terminal, and neither NO_COLOR nor TERM=dumb says otherwise.
bool wants_color();

struct Report {
    Exit code = Exit::ok;
    std::string out;
    std::string err;
};

Report status(const CliOptions& options);
Report incidents(const CliOptions& options, bool open_only);
// Every subject with its health; an empty kind is all of them.
Report subjects(const CliOptions& options, const std::string& kind, bool bad_only);
Report why(const CliOptions& options, const std::string& subject);
Report answer_decision(const CliOptions& options, const std::string& decision, bool approve,
                       const std::string& reason);
// `lasts`: "2h"; empty or "forever": until somebody resumes.
Report set_stop(const CliOptions& options, bool stopped, const std::string& reason,
                const std::string& lasts = {});

// What the daemon took up, what needs a restart, or why it refused the files on disk
// (Exit::config).
Report reload(const CliOptions& options);

struct VetoWanted {
    std::string subjects;  // glob
    std::string lever;     // empty: every lever
    std::string lasts;     // "2h", or "forever" spelled out
    std::string why;
    bool mute = false;  // what it covers pages nobody either
};
Report veto(const CliOptions& options, const VetoWanted& wanted);
Report vetoes(const CliOptions& options);
Report unveto(const CliOptions& options, const std::string& id, const std::string& reason);
Report acknowledge(const CliOptions& options, const std::string& incident,
                   const std::string& reason);
Report test_page(const CliOptions& options, const std::string& sink);
Report autonomy(const CliOptions& options);
// Exit::failed when any look is not healthy.
// `debug`: with every request that the look made.
Report probe(const CliOptions& options, const std::string& kind, const std::string& target,
             bool debug = false);
Report incident_summary(const CliOptions& options, const std::string& incident);

// The same, printed; the return value is the exit code of the process.
int run_status(const CliOptions& options);
int run_incidents(const CliOptions& options, bool open_only);
int run_subjects(const CliOptions& options, const std::string& kind, bool bad_only);
int run_why(const CliOptions& options, const std::string& subject);
int run_approve(const CliOptions& options, const std::string& decision, const std::string& reason);
int run_reject(const CliOptions& options, const std::string& decision, const std::string& reason);
int run_stop(const CliOptions& options, const std::string& reason, const std::string& lasts);
int run_veto(const CliOptions& options, const VetoWanted& wanted);
int run_vetoes(const CliOptions& options);
int run_unveto(const CliOptions& options, const std::string& id, const std::string& reason);
int run_acknowledge(const CliOptions& options, const std::string& incident,
                    const std::string& reason);
int run_test_page(const CliOptions& options, const std::string& sink);
int run_autonomy(const CliOptions& options);
int run_resume(const CliOptions& options, const std::string& reason);
int run_reload(const CliOptions& options);
int run_probe(const CliOptions& options, const std::string& kind, const std::string& target,
              bool debug);
int run_incident_summary(const CliOptions& options, const std::string& incident);

}  // namespace leverd::cli
