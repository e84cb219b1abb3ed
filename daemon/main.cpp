// Why: the command line. Parses it, sets up the log, and hands over: to the daemon, to a check, or
// to the running daemon.
#include "core/base/redact.hpp"
#include "core/model/codec.hpp"
#include "daemon/app.hpp"
#include "daemon/cli_fire.hpp"
#include "daemon/cli_freeze.hpp"
#include "daemon/cli_ledger.hpp"
#include "daemon/cli_replay.hpp"
#include "daemon/cli_verbs.hpp"
#include "daemon/exec_helper.hpp"
#include "daemon/last_words.hpp"
#include "daemon/log.hpp"
#include "daemon/preflight.hpp"
#include "daemon/rules.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <CLI/CLI.hpp>

#include <exception>
#include <sstream>

namespace leverd {
namespace {

constexpr const char* default_config = "/etc/leverd/leverd.toml";

int code(Exit exit) {
    return static_cast<int>(exit);
}

void print_error(const Error& error) {
    log::say(
        spdlog::level::err,
        mask_known(fmt::format("leverd: {}\n{}", error.what,
                               error.hint.empty() ? "" : fmt::format("  next: {}\n", error.hint))));
}

// Secrets live in this process: no core file of it, no other user's debugger in it.
void protect_memory() {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

bool load_config(const std::string& path, config::Loaded& loaded) {
    loaded = config::load(path, vocabulary());
    for (const auto& problem : loaded.problems) {
        log::say(problem.warning ? spdlog::level::warn : spdlog::level::err,
                 config::render(problem) + "\n");
    }
    return loaded.ok();
}

int run(const std::string& path) {
    config::Loaded loaded;
    if (!load_config(path, loaded)) {
        return code(Exit::config);
    }
    log::set_up(loaded.config.daemon.log_level);
    end_with_last_words();
    protect_memory();
    auto app = App::make(path, std::move(loaded));
    if (!app) {
        print_error(app.error().error);
        return code(app.error().code);
    }
    return code((*app)->run());
}

int check(const std::string& path) {
    config::Loaded loaded;
    if (!load_config(path, loaded)) {
        const auto errors =
            std::ranges::count_if(loaded.problems, [](const auto& p) { return !p.warning; });
        log::say(spdlog::level::err,
                 fmt::format("{} error{}; nothing was changed\n", errors, errors == 1 ? "" : "s"));
        return code(Exit::config);
    }
    const auto& config = loaded.config;
    const auto found = preflight(config, FileUser::of_state(config.daemon.state_directory), false);
    for (const auto& finding : found) {
        fmt::print(stderr, "{}\n", render(finding));
    }
    if (!may_start(found)) {
        fmt::print(stderr, "leverd would not start; nothing was changed\n");
        return code(Exit::config);
    }
    fmt::print("ok: {} files, {} probes, {} signals, {} symptoms, {} policies, mode ceiling {}\n",
               config.files.size(), config.probes.size(), config.runbook.signals.size(),
               config.runbook.symptoms.size(), config.policies.policies.size(),
               to_string(config.daemon.mode_ceiling));
    return code(Exit::ok);
}

struct Arguments {
    std::string config = default_config;
    cli::LedgerAsked ledger;
    std::string export_from = config::Daemon{}.state_directory;
    std::string subject;
    std::string decision;
    std::string why = "no reason given";
    std::string kind;
    std::string target;
    std::string lasts;
    std::string caller = "leverd";
    cli::VetoWanted veto;
    cli::FireAsked fire;
    cli::FreezeOptions freeze;
    bool open_only = false;
    bool bad_only = false;
    bool wait = false;
    bool debug = false;
    cli::TestOptions test;
    cli::ReplayOptions replay;
    cli::CliOptions client;
    int exit = 0;
};

CLI::App* client_verb(CLI::App& app, Arguments& args, const char* name, const char* text) {
    auto* verb = app.add_subcommand(name, text);
    verb->add_option("--socket", args.client.socket, "The daemon's unix socket")
        ->capture_default_str();
    verb->add_flag("--json", args.client.json, "Print the API's JSON");
    return verb;
}

void add_ledger_verbs(CLI::App& ledger, Arguments& args) {
    args.ledger.config = default_config;
    auto* verify = ledger.add_subcommand("verify", "Check every hash, number and witness");
    auto* compact = ledger.add_subcommand(
        "compact", "Remove entries older than [ledger] keep; while no daemon runs");
    for (auto* verb : {verify, compact}) {
        verb->add_option("-c,--config", args.ledger.config, "Config file")->capture_default_str();
    }
    verify->add_option("--state", args.ledger.state, "State directory; no config is read then");
    verify->add_option("--at-least", args.ledger.at_least,
                       "N:HASH of leverd status: entry N must be there with that hash");
    verify->callback([&args] { args.exit = cli::print_report(cli::verify_history(args.ledger)); });
    compact->callback(
        [&args] { args.exit = cli::print_report(cli::compact_history(args.ledger)); });
    auto* accept = client_verb(ledger, args, "accept",
                               "Take the history that was found as the one to go on with");
    accept->add_option("--why", args.why, "Your reason, for the record")->required();
    accept->callback(
        [&args] { args.exit = cli::print_report(cli::accept_history(args.client, args.why)); });
}

void add_local_verbs(CLI::App& app, Arguments& args) {
    auto* run_verb = app.add_subcommand("run", "Run the daemon in the foreground");
    run_verb->add_option("-c,--config", args.config, "Config file")->capture_default_str();
    run_verb->callback([&args] { args.exit = run(args.config); });
    auto* check_verb = app.add_subcommand("check", "Check the config and everything it includes");
    check_verb->add_option("-c,--config", args.config, "Config file")->capture_default_str();
    check_verb->callback([&args] { args.exit = check(args.config); });
    auto* ledger = app.add_subcommand("ledger", "Look into the ledger");
    ledger->require_subcommand(1);
    add_ledger_verbs(*ledger, args);
    auto* export_verb = ledger->add_subcommand("export", "Print every entry as a line of JSON");
    export_verb->add_option("--state", args.export_from, "State directory or a copy")
        ->capture_default_str();
    export_verb->callback(
        [&args] { args.exit = cli::print_report(cli::export_ledger(args.export_from)); });
    auto* version_verb = app.add_subcommand("version", "Print the version");
    version_verb->callback([&args] {
        fmt::print("leverd {}\n", version());
        args.exit = 0;
    });
}

// Systemd's part of running programs as another user; not for people, so help leaves it out.
void add_helper_verb(CLI::App& app, Arguments& args) {
    auto* helper = app.add_subcommand("exec-helper", "Run one program of the configuration");
    helper->group("");
    helper->add_option("-c,--config", args.config, "Config file")->capture_default_str();
    helper->add_option("--for", args.caller, "The user who may ask")->capture_default_str();
    helper->callback([&args] { args.exit = run_exec_helper({args.config, args.caller}); });
}

// Both change nothing and need no daemon.
void add_policy_verbs(CLI::App& app, Arguments& args) {
    auto* test = app.add_subcommand("test", "Try the policies on scenarios, in virtual time");
    test->add_option("scenarios", args.test.scenarios, "Scenario files")->required();
    test->add_option("-c,--config", args.test.config,
                     "Config file, instead of the one that a scenario names");
    test->add_flag("--json", args.test.json, "Print JSON");
    test->callback([&args] {
        args.test.fallback_config = default_config;
        args.exit = cli::print_report(cli::test_scenarios(args.test));
    });
    auto* replay =
        app.add_subcommand("replay", "Decide the recorded history again, other policies");
    replay->add_option("--policy", args.replay.policies,
                       "File of [[policy]] and [[window]] to use instead of the config's");
    replay->add_option("--runbook", args.replay.runbook,
                       "File of [[signal]], [[symptom]] and [topology] to use instead");
    replay->add_option("-c,--config", args.config, "Config file")->capture_default_str();
    auto* state = replay->add_option("--state", args.replay.state, "State directory or a copy");
    replay->add_option("--ledger-export", args.replay.ledger_export, "File of `ledger export`")
        ->excludes(state);
    replay->add_option("--since", args.replay.since, "e.g. 30d, back from the newest entry");
    replay->add_flag("--json", args.replay.json, "Print JSON");
    replay->callback([&args] {
        args.replay.config = args.config;
        args.exit = cli::print_report(cli::replay_ledger(args.replay));
    });
}

void add_client_verbs(CLI::App& app, Arguments& args) {
    auto* status = client_verb(app, args, "status", "What is wrong, and whether leverd can act");
    status->callback([&args] { args.exit = cli::run_status(args.client); });
    auto* incidents = client_verb(app, args, "incidents", "Incidents, newest first");
    incidents->add_flag("--open", args.open_only, "Only those that are not over");
    incidents->callback([&args] { args.exit = cli::run_incidents(args.client, args.open_only); });
    auto* subjects =
        client_verb(app, args, "subjects", "Everything that is watched, and how it is");
    subjects->add_option("kind", args.kind, "Only these, e.g. tenant");
    subjects->add_flag("--bad", args.bad_only, "Only those that are not healthy");
    subjects->callback(
        [&args] { args.exit = cli::run_subjects(args.client, args.kind, args.bad_only); });
    auto* why =
        client_verb(app, args, "why", "Why a lever did or did not fire: every guard in order");
    why->add_option("subject", args.subject, "e.g. tenant/acme")->required();
    why->callback([&args] { args.exit = cli::run_why(args.client, args.subject); });
    auto* approve = client_verb(app, args, "approve", "Let a waiting decision fire");
    approve->add_option("decision", args.decision, "e.g. d-12")->required();
    approve->add_option("--why", args.why, "Your reason, for the record")->required();
    approve->callback(
        [&args] { args.exit = cli::run_approve(args.client, args.decision, args.why); });
    auto* reject = client_verb(app, args, "reject", "Refuse a waiting decision");
    reject->add_option("decision", args.decision, "e.g. d-12")->required();
    reject->add_option("--why", args.why, "Your reason, for the record")->required();
    reject->callback(
        [&args] { args.exit = cli::run_reject(args.client, args.decision, args.why); });
    auto* stop = client_verb(app, args, "stop", "Set the stop switch: no lever fires until resume");
    stop->add_option("--why", args.why, "Your reason, for the record");
    stop->add_option("--for", args.lasts, "e.g. 1h; then it lifts itself");
    stop->callback([&args] { args.exit = cli::run_stop(args.client, args.why, args.lasts); });
    auto* resume = client_verb(app, args, "resume", "Lift the stop switch");
    resume->add_option("--why", args.why, "Your reason, for the record");
    resume->callback([&args] { args.exit = cli::run_resume(args.client, args.why); });
    auto* reload = client_verb(app, args, "reload", "Take up the config on disk");
    reload->add_flag("--wait", args.wait,
                     "Wait for the answer and print it; what it does anyway, for scripts to say");
    reload->callback([&args] { args.exit = cli::run_reload(args.client); });
    auto* veto = client_verb(app, args, "veto", "Hold levers on subjects; looking goes on");
    veto->add_option("subjects", args.veto.subjects, "e.g. tenant/acme, 'tenant/*', '*'")
        ->required();
    veto->add_option("--for", args.veto.lasts, "e.g. 2h; or forever")->required();
    veto->add_option("--why", args.veto.why, "Your reason, for the record")->required();
    veto->add_option("--lever", args.veto.lever, "Only this lever, e.g. tenant-redeploy");
    veto->add_flag("--mute", args.veto.mute, "Page nobody about them either");
    veto->callback([&args] { args.exit = cli::run_veto(args.client, args.veto); });
    auto* vetoes = client_verb(app, args, "vetoes", "Vetoes in force, oldest first");
    vetoes->callback([&args] { args.exit = cli::run_vetoes(args.client); });
    auto* unveto = client_verb(app, args, "unveto", "Lift a veto");
    unveto->add_option("veto", args.decision, "e.g. v-3")->required();
    unveto->add_option("--why", args.why, "Your reason, for the record")->required();
    unveto->callback(
        [&args] { args.exit = cli::run_unveto(args.client, args.decision, args.why); });
    auto* autonomy =
        client_verb(app, args, "autonomy", "What each policy may do, and the record behind it");
    autonomy->callback([&args] { args.exit = cli::run_autonomy(args.client); });
    auto* probe = client_verb(app, args, "probe", "Look once now and show what was seen");
    probe->add_option("name", args.kind, "e.g. tenant_health")->required();
    probe->add_option("target", args.target, "e.g. acme");
    probe->add_flag("--debug", args.debug, "Show every request: phases, headers, body; masked");
    probe->callback(
        [&args] { args.exit = cli::run_probe(args.client, args.kind, args.target, args.debug); });
}

void add_page_verbs(CLI::App& app, Arguments& args) {
    auto* ack = client_verb(app, args, "ack", "Say that you saw to what a lever lost for good");
    ack->add_option("incident", args.subject, "e.g. i-3")->required();
    ack->add_option("--why", args.why, "What you did about it, for the record")->required();
    ack->callback(
        [&args] { args.exit = cli::run_acknowledge(args.client, args.subject, args.why); });
    auto* notify = app.add_subcommand("notify", "The sinks that pages go to");
    notify->require_subcommand(1);
    auto* test = notify->add_subcommand("test", "Send a test page and show what was answered");
    test->add_option("--socket", args.client.socket, "The daemon's unix socket")
        ->capture_default_str();
    test->add_flag("--json", args.client.json, "Print the API's JSON");
    test->add_option("sink", args.subject, "the id of a [[notify]]")->required();
    test->callback([&args] { args.exit = cli::run_test_page(args.client, args.subject); });
}

void add_freeze_verbs(CLI::App& app, Arguments& args) {
    auto* freeze = app.add_subcommand("freeze", "The freeze receipts");
    freeze->require_subcommand(1);
    args.freeze.config = default_config;
    auto* show =
        freeze->add_subcommand("show", "Receipt, registry, what runs and the last known good");
    auto* capture = freeze->add_subcommand(
        "capture", "Write receipts of what is in service and switched off now");
    for (auto* verb : {show, capture}) {
        verb->add_option("-c,--config", args.freeze.config, "Config file")->capture_default_str();
        verb->add_flag("--json", args.freeze.json, "Print JSON");
    }
    show->add_option("--socket", args.freeze.socket, "The daemon's unix socket")
        ->capture_default_str();
    capture->add_option("--dir", args.freeze.directory, "Where the receipts go")->required();
    show->callback([&args] { args.exit = cli::print_report(cli::freeze_show(args.freeze)); });
    capture->callback([&args] { args.exit = cli::print_report(cli::freeze_capture(args.freeze)); });
}

void add_workspace_verbs(CLI::App& app, Arguments& args) {
    auto* workspace = app.add_subcommand("workspace", "Workspaces that a lever deleted");
    workspace->require_subcommand(1);
    auto* recreate = client_verb(*workspace, args, "recreate",
                                 "Make anew what workspace-reprovision deleted and could not");
    recreate->add_option("--from", args.fire.from, "The intent that deleted it, e.g. t-3")
        ->required();
    recreate->add_flag("--dry-run", args.fire.dry_run,
                       "Only print the exact calls and what each guard says");
    recreate->add_option("--confirm", args.fire.confirm, "The exact slug of its tenant");
    recreate->add_option("--why", args.fire.why, "Your reason, for the record");
    recreate->callback(
        [&args] { args.exit = cli::print_report(cli::recreate(args.client, args.fire)); });
}

void add_lever_verbs(CLI::App& app, Arguments& args) {
    auto* levers = client_verb(app, args, "levers", "What each lever moves, needs and proves");
    levers->callback([&args] { args.exit = cli::print_report(cli::levers(args.client)); });
    auto* fire = client_verb(app, args, "fire", "Fire a lever by hand, through every guard");
    fire->add_option("lever", args.fire.lever, "e.g. tenant-redeploy; see leverd levers")
        ->required();
    fire->add_option("subject", args.fire.subject, "e.g. tenant/acme")->required();
    fire->add_flag("--dry-run", args.fire.dry_run,
                   "Only print the exact calls and what each guard says");
    fire->add_option("--confirm", args.fire.confirm,
                     "The exact slug, where a tenant or a workspace is touched");
    fire->add_option("--why", args.fire.why, "Your reason, for the record");
    fire->callback([&args] { args.exit = cli::print_report(cli::fire(args.client, args.fire)); });
    add_workspace_verbs(app, args);
}

}  // namespace
}  // namespace leverd

int main(int argc, char** argv) {
    CLI::App app{"leverd: a watchdog that knows the runbook's levers and asks before it harms"};
    app.require_subcommand(1);
    app.set_version_flag("--version", std::string(leverd::version()));
    leverd::Arguments args;
    args.client.color = leverd::cli::wants_color();
    leverd::add_local_verbs(app, args);
    leverd::add_helper_verb(app, args);
    leverd::add_policy_verbs(app, args);
    leverd::add_client_verbs(app, args);
    add_page_verbs(app, args);
    leverd::add_lever_verbs(app, args);
    leverd::add_freeze_verbs(app, args);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        std::ostringstream asked;
        std::ostringstream wrong;
        const int shown = app.exit(problem, asked, wrong);
        fmt::print("{}", asked.str());
        leverd::log::say(spdlog::level::err, wrong.str());
        return shown == 0 ? 0 : static_cast<int>(leverd::Exit::usage);
    } catch (const std::exception& defect) {
        leverd::log::say(spdlog::level::critical, fmt::format("leverd: {}\n", defect.what()));
        return static_cast<int>(leverd::Exit::failed);
    }
    return args.exit;
}
