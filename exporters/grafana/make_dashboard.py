#!/usr/bin/env python3
# Why: a dashboard of thirty panels is readable as this list and not as its JSON. This writes
# leverd.json beside it; tests/integration/dashboard_check.py refuses a JSON that differs.
import json
import pathlib

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
ONE = 'job=~"$job",instance=~"$instance"'
HEALTH = [
    ("0", "healthy", "green"),
    ("1", "degraded", "yellow"),
    ("2", "failing", "red"),
    ("3", "unknown", "purple"),
]
GOOD_IS_ZERO = [("0", "no", "green"), ("1", "yes", "red")]
GOOD_IS_ONE = [("0", "no", "red"), ("1", "yes", "green")]
NEUTRAL = [("0", "no", "text"), ("1", "yes", "blue")]


def sel(metric, more=""):
    return metric + "{" + ONE + ("," + more if more else "") + "}"


def mapping(rows):
    options = {value: {"text": text, "color": color, "index": i}
               for i, (value, text, color) in enumerate(rows)}
    return [{"type": "value", "options": options}]


class Board:
    def __init__(self):
        self.panels = []
        self.x = self.y = self.height = 0

    def row(self, title):
        self._wrap()
        self.panels.append({"id": len(self.panels) + 1, "type": "row", "title": title,
                            "collapsed": False, "panels": [],
                            "gridPos": {"x": 0, "y": self.y, "w": 24, "h": 1}})
        self.y += 1

    def _wrap(self):
        self.y += self.height
        self.x = self.height = 0

    def add(self, kind, title, about, queries, width, height, unit="none", values=None,
            options=None, custom=None, thresholds=None):
        if self.x + width > 24:
            self._wrap()
        defaults = {"unit": unit, "custom": custom or {}, "mappings": mapping(values or []),
                    "color": {"mode": "thresholds" if kind == "stat" else "palette-classic"},
                    "thresholds": {"mode": "absolute", "steps": thresholds or [
                        {"color": "green", "value": None}]}}
        if not values:
            defaults["mappings"] = []
        targets = [{"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": expr,
                    "legendFormat": legend, "editorMode": "code", "range": kind != "table",
                    "instant": kind == "table",
                    "format": "table" if kind == "table" else "time_series"}
                   for i, (expr, legend) in enumerate(queries)]
        self.panels.append({"id": len(self.panels) + 1, "type": kind, "title": title,
                            "description": about, "datasource": SOURCE, "targets": targets,
                            "fieldConfig": {"defaults": defaults, "overrides": []},
                            "options": options or {},
                            "gridPos": {"x": self.x, "y": self.y, "w": width, "h": height}})
        self.x += width
        self.height = max(self.height, height)

    def stat(self, title, about, expr, values=None, red_from=None, unit="none"):
        steps = [{"color": "green", "value": None}]
        if red_from is not None:
            steps.append({"color": "red", "value": red_from})
        self.add("stat", title, about, [(expr, "")], 3, 4, unit, values, {
            "colorMode": "background", "graphMode": "none", "textMode": "value",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}},
            thresholds=steps)

    def lines(self, title, about, queries, unit="none", width=8, stacked=False):
        custom = {"fillOpacity": 10, "lineWidth": 1, "showPoints": "never"}
        if stacked:
            custom |= {"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 60}
        self.add("timeseries", title, about, queries, width, 7, unit, custom=custom, options={
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"}})

    def states(self, title, about, expr, legend, values, width=12, height=7):
        self.add("state-timeline", title, about, [(expr, legend)], width, height, "none", values, {
            "showValue": "never", "mergeValues": True, "rowHeight": 0.8,
            "legend": {"displayMode": "list", "placement": "bottom"}})

    def table(self, title, about, expr, width=12, unit="none"):
        hidden = {name: True for name in ("Time", "__name__", "job", "instance")}
        self.add("table", title, about, [(expr, "")], width, 8, unit)
        self.panels[-1]["transformations"] = [
            {"id": "organize", "options": {"excludeByName": hidden}}]


def now_row(b):
    b.row("Now")
    b.stat("Symptoms", "Rows of the runbook's table that are raised at this moment.",
           f"sum({sel('leverd_symptom_active')})", red_from=1)
    b.stat("Nobody at work", "Open incidents with no lever at work and no question asked: a "
           "person is needed.", f"sum({sel('leverd_incidents_unattended')})", red_from=1)
    b.stat("Approvals waiting", "Levers that wait for a person's yes or no.",
           f"sum({sel('leverd_approval_pending')})", red_from=1)
    b.stat("Levers in flight", "Fired and not judged yet.",
           f"sum({sel('leverd_lever_in_flight')})")
    b.stat("Outcome unknown", "Levers whose effect nobody knows; they are never repeated.",
           f"sum({sel('leverd_lever_outcome_unknown')})", red_from=1)
    b.stat("View trusted", "No: the box doubts its own network, clock or loop; no lever fires.",
           f"min({sel('leverd_observer_trusted')})", GOOD_IS_ONE)
    b.stat("Stop switch", "Yes: every lever is held by a person.",
           f"max({sel('leverd_stop_switch')})", GOOD_IS_ZERO)
    b.stat("Freeze", "Yes: images must stay where the receipt says.",
           f"max({sel('leverd_freeze_active')})", NEUTRAL)


BREAKER = [("0", "closed", "green"), ("1", "half open", "yellow"), ("2", "open", "red")]
EARNED = [("0", "asks", "yellow"), ("1", "in force", "green")]


def steer_row(b):
    b.row("What holds levers back, and what they achieve")
    b.stat("Storm breaker", "Open: many incidents at once, no new lever fires. Half open: some go.",
           f"max({sel('leverd_storm_breaker')})", BREAKER)
    b.stat("Vetoes", "In force now; each holds levers on its subjects.",
           f"sum({sel('leverd_veto_active')})")
    b.stat("Stop lifts in", "Time until the stop switch lifts itself; 0: it is off or has no end.",
           f"max(clamp_min({sel('leverd_stop_switch_until_timestamp_seconds')} - "
           f"{sel('leverd_clock_timestamp_seconds')}, 0))", unit="s")
    b.stat("Oldest veto", "Age of the oldest veto in force; 0 when there is none.",
           f"max(({sel('leverd_clock_timestamp_seconds')} - "
           f"{sel('leverd_veto_oldest_timestamp_seconds')}) * {sel('leverd_veto_active')}"
           f" / clamp_min({sel('leverd_veto_active')}, 1))", unit="s", red_from=86400)
    b.lines("Flapping", "Subjects whose looks change too often to be acted on, by signal.",
            [(f"sum by (signal) ({sel('leverd_flapping')})", "{{signal}}")], width=12)
    b.lines("Levers that helped", "Part of the recent verdicts that were recovered. The lever is "
            "worth its risk where it stays above the baseline of its symptom.",
            [(f"max by (symptom, lever) ({sel('leverd_lever_success_ratio')})",
              "{{symptom}}: {{lever}}"),
             (f"max by (symptom) ({sel('leverd_baseline_healed_ratio')})",
              "{{symptom}}: left alone")], "percentunit", 8)
    b.lines("Time to green", "Median time from incident to proven recovery.",
            [(f"max by (symptom, lever) ({sel('leverd_time_to_green_seconds')})",
              "{{symptom}}: {{lever}}")], "s", 8)
    b.states("Autonomy", "Asks: the record that mode auto of the policy needs is missing.",
             f"min by (policy) ({sel('leverd_autonomy_earned')})", "{{policy}}", EARNED, 8)


def layer_row(b):
    health = "max by (subject) (" + "{}" + ")"
    b.row("Layers")
    b.states("Canvas, control plane, credentials", "Newest look at the layers that all tenants "
             "share.", health.format(sel("leverd_probe_health",
                                         'subject!~"(tenant|workspace|image|runtime)/.*"')),
             "{{subject}}", HEALTH)
    b.states("Tenants", "Newest look at each tenant; the worst probe counts.",
             health.format(sel("leverd_probe_health", 'subject=~"tenant/.*"')), "{{subject}}",
             HEALTH)
    b.lines("Workspaces by health", "How many workspaces are in each state: 0 healthy, "
            "1 degraded, 2 failing, 3 unknown.",
            [("count_values(\"health\", max by (subject) ("
              + sel("leverd_probe_health", 'subject=~"workspace/.*"') + "))", "{{health}}")],
            width=8, stacked=True)
    b.states("Image drift", "Yes: the tag is not what the receipt says.",
             f"max by (image) ({sel('leverd_image_drift')})", "{{image}}", GOOD_IS_ZERO, 8)
    b.lines("Looks by result", "Looks per second, by what they concluded.",
            [(f"sum by (health) (rate({sel('leverd_observations_total')}[$__rate_interval]))",
              "{{health}}")], "ops", stacked=True)
    b.lines("Look duration, 95th percentile", "How long looks of each kind take.",
            [("histogram_quantile(0.95, sum by (le, probe) (rate("
              + sel("leverd_probe_duration_seconds_bucket", 'phase="total"')
              + "[$__rate_interval])))", "{{probe}}")], "s", 12)
    b.lines("Look duration by phase, 95th percentile", "Which phase makes looks slow.",
            [("histogram_quantile(0.95, sum by (le, phase) (rate("
              + sel("leverd_probe_duration_seconds_bucket", 'phase!="total"')
              + "[$__rate_interval])))", "{{phase}}")], "s", 12)


def symptom_row(b):
    b.row("Symptoms and incidents")
    b.lines("Active symptoms", "Subjects that show each row of the runbook's table.",
            [(f"sum by (symptom) ({sel('leverd_symptom_active')})", "{{symptom}}")], width=8)
    b.lines("Open incidents", "Cases that are not closed, escalated ones too.",
            [(f"sum by (symptom) ({sel('leverd_incidents_open')})", "{{symptom}}")], width=8)
    b.lines("Escalated incidents", "Cases that leverd has given over to a person.",
            [(f"sum by (symptom) ({sel('leverd_incidents_escalated')})", "{{symptom}}")], width=8)
    b.lines("Symptoms raised", "How often each row was raised.",
            [("sum by (symptom) (increase(" + sel("leverd_symptoms_raised_total")
              + "[$__rate_interval]))", "{{symptom}}")], "short", 12)
    b.lines("Incidents closed", "How cases ended: a lever was proven, they healed by themselves, "
            "or a higher cause took them over.",
            [("sum by (end) (increase(" + sel("leverd_incidents_closed_total")
              + "[$__rate_interval]))", "{{end}}")], "short", 12)


def lever_row(b):
    b.row("Levers and decisions")
    b.table("Decisions in the chosen time", "Every decision, also to do nothing. The reason is "
            "the first guard that held the lever, or permitted.",
            "sort_desc(sum by (symptom, lever, mode, reason) (increase("
            + sel("leverd_decisions_total") + "[$__range])))", 24, "short")
    b.lines("Calls of levers by outcome", "Accepted is not success; unknown is never repeated.",
            [("sum by (lever, outcome) (increase(" + sel("leverd_lever_outcomes_total")
              + "[$__rate_interval]))", "{{lever}} {{outcome}}")], "short", 8)
    b.lines("Verdicts", "Whether levers helped, by fresh looks after the propagation delay.",
            [("sum by (lever, verdict) (increase(" + sel("leverd_lever_verdicts_total")
              + "[$__rate_interval]))", "{{lever}} {{verdict}}")], "short", 8)
    b.lines("Pages", "Pages raised to a person.",
            [("sum by (severity) (increase(" + sel("leverd_pages_total")
              + "[$__rate_interval]))", "{{severity}}")], "short", 8)


def self_row(b):
    b.row("leverd itself")
    b.stat("Ready", "No: levers could not fire.", f"min({sel('leverd_ready')})", GOOD_IS_ONE)
    b.stat("Ledger writable", "No: nothing may fire until commits work again.",
           f"min({sel('leverd_ledger_writable')})", GOOD_IS_ONE)
    b.stat("Configuration", "No: the last reload was rejected and the old one is in force.",
           f"min({sel('leverd_config_last_reload_successful')})", GOOD_IS_ONE)
    b.stat("Since last turn", "Time since the engine took an event, on the box's own clock.",
           f"max({sel('leverd_clock_timestamp_seconds')}"
           f" - {sel('leverd_engine_last_turn_timestamp_seconds')})", unit="s", red_from=120)
    b.table("Builds", "What runs where, with which configuration and ceiling.",
            f"max by (instance, version) ({sel('leverd_build_info')})"
            " * on (instance) group_left (hash) max by (instance, hash) ("
            f"{sel('leverd_config_info')}) * on (instance) group_left (mode)"
            f" max by (instance, mode) ({sel('leverd_mode_ceiling_info')})", 12)
    b.lines("Lateness", "How late looks begin and the loop runs; a late loop is a blind loop.",
            [("histogram_quantile(0.99, sum by (le) (rate("
              + sel("leverd_probe_lateness_seconds_bucket") + "[$__rate_interval])))",
              "looks, 99th percentile"),
             (f"max({sel('leverd_loop_lateness_seconds')})", "loop")], "s")
    b.lines("Ledger commits", "Time until an entry is durable; every lever waits for it.",
            [("histogram_quantile(0.99, sum by (le) (rate("
              + sel("leverd_ledger_commit_seconds_bucket") + "[$__rate_interval])))",
              "99th percentile")], "s")
    b.lines("Ledger entries", "Entries written per second, by kind.",
            [(f"sum by (kind) (rate({sel('leverd_ledger_entries_total')}[$__rate_interval]))",
              "{{kind}}")], "ops")
    b.lines("Queue", "Events that wait for the engine, dropped events, and skipped looks.",
            [(f"sum({sel('leverd_queue_depth')})", "waiting"),
             (f"sum(increase({sel('leverd_queue_dropped_total')}[$__rate_interval]))", "dropped"),
             (f"sum(increase({sel('leverd_probes_skipped_total')}[$__rate_interval]))",
              "looks skipped")], "short")
    b.lines("CPU", "Cores that leverd uses.",
            [(f"rate({sel('process_cpu_seconds_total')}[$__rate_interval])", "{{instance}}")],
            "short")
    b.lines("Memory", "Resident memory of leverd.",
            [(sel("process_resident_memory_bytes"), "{{instance}}")], "bytes")
    b.lines("File descriptors", "Part of the limit that is in use.",
            [(sel("process_open_fds") + " / " + sel("process_max_fds"), "{{instance}}")],
            "percentunit")
    b.lines("Clock against Prometheus", "The box's clock minus the scraper's; beyond a few "
            "seconds one of them is wrong.",
            [(sel("leverd_clock_timestamp_seconds")
              + " - timestamp(" + sel("leverd_clock_timestamp_seconds") + ")", "{{instance}}")],
            "s")
    b.lines("Process starts", "A start time that moves is a restart.",
            [(f"changes({sel('process_start_time_seconds')}[$__rate_interval])",
              "{{instance}}")], "short")


def variable(name, label, query):
    return {"name": name, "label": label, "type": "query", "datasource": SOURCE,
            "query": {"query": query, "refId": name}, "definition": query, "refresh": 2,
            "includeAll": True, "multi": True, "allValue": ".+", "sort": 1,
            "current": {"text": "All", "value": "$__all"}}


def dashboard():
    board = Board()
    for part in (now_row, layer_row, symptom_row, lever_row, steer_row, self_row):
        part(board)
    flying = {"name": "Lever in flight", "enable": True, "iconColor": "orange",
              "datasource": SOURCE, "expr": f"sum by (lever) ({sel('leverd_lever_in_flight')}) > 0",
              "titleFormat": "{{lever}}", "step": "15s"}
    return {
        "uid": "leverd-overview", "title": "leverd", "tags": ["leverd"], "schemaVersion": 39,
        "version": 1, "editable": False, "graphTooltip": 1, "refresh": "15s",
        "description": "What leverd sees, what it decided and how it is itself.",
        "time": {"from": "now-3h", "to": "now"}, "timezone": "browser", "links": [],
        "annotations": {"list": [flying]},
        "templating": {"list": [
            {"name": "datasource", "label": "Data source", "type": "datasource",
             "query": "prometheus", "refresh": 1, "current": {}},
            variable("job", "Job", "label_values(leverd_build_info, job)"),
            variable("instance", "Instance",
                     'label_values(leverd_build_info{job=~"$job"}, instance)'),
        ]},
        "panels": board.panels,
    }


if __name__ == "__main__":
    out = pathlib.Path(__file__).with_name("leverd.json")
    out.write_text(json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n")
