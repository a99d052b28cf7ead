#!/usr/bin/env python3
"""Makes the Grafana dashboards: `deploy/watch/dashboards.py` writes them beside itself, `--check` says whether they are up to date.

A dashboard is a list of rows, a row a list of panels; this file says what is on them, and Grafana's JSON is made from it. Every
query is run against a real Prometheus in the tests, so a panel that shows nothing does not land.
"""

import json
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parent / "dashboards"
WIDTH = 24
# Always in this order and these colours, as on every page.
REACTIONS = {"terrible": "#b2182b", "bad": "#ef8a62", "ok": "#8c8c8c", "great": "#67a9cf", "amazing": "#2166ac"}
RATE = "[$__rate_interval]"


def q(expression, legend="__auto"):
    """A query. `@` stands for the choice of processes, and `@,` for the same before other labels."""
    return expression.replace("{@}", '{instance=~"$instance"}').replace("{@,", '{instance=~"$instance",'), legend


def rate(metric, by=None, labels=""):
    inner = f"rate({metric}{{@{labels}}}{RATE})"
    return f"sum by ({by}) ({inner})" if by else f"sum({inner})"


def quantiles(metric, by=None):
    """The median, and what one in a hundred exceeds."""
    group = f"le, {by}" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    return [
        q(f"histogram_quantile({share}, sum by ({group}) (rate({metric}_bucket{{@}}{RATE})))", f"{legend}{name}")
        for share, name in ((0.5, "p50"), (0.99, "p99"))
    ]


def panel(kind, title, queries, about, unit="short", **more):
    if isinstance(queries, tuple):
        queries = [queries]
    return {"kind": kind, "title": title, "queries": queries, "about": about, "unit": unit, **more}


def line(title, queries, about, unit="short", **more):
    return panel("timeseries", title, queries, about, unit, **more)


def stack(title, queries, about, unit="short", **more):
    return panel("timeseries", title, queries, about, unit, stacked=True, **more)


def stat(title, query, about, unit="short", warn=None, bad=None, **more):
    return panel("stat", title, query, about, unit, warn=warn, bad=bad, **more)


def bars(title, query, about, unit="short", **more):
    return panel("bargauge", title, query, about, unit, **more)


PIPELINE = [
    ("Now", 4, [
        stat("Processes", q("count(afterword_build_info{@})"), "Processes that answer."),
        stat("Facts a second", q(rate("afterword_facts_total")), "Facts folded and committed.", "cps"),
        stat("Oldest fact not folded", q("max(afterword_lag_seconds{@})"), "How far decisions are behind the log.", "s", 30, 300),
        stat("Tasks not running", q('sum(afterword_task_state{@,state!~"running|finished"})'), "Partitions that are recovering, waiting, given up or stopped.", warn=1),
        stat("Dead letters, a day", q("sum(increase(afterword_dead_letters_total{@}[1d]))"), "Records put aside because they cannot be folded.", warn=1),
        stat("Log takes no appends", q("max(afterword_log_impeded{@})"), "1 while nothing can be acknowledged.", bad=1),
    ]),
    ("Facts in, decisions out", 8, [
        stack("Facts by kind", q(rate("afterword_facts_total", "kind")), "Facts folded, by kind.", "cps"),
        stack("Closes decided", q(rate("afterword_decisions_total", "outcome")), "Each close is decided once: asked, or not.", "cps"),
        line("Facts set aside", [q(rate("afterword_dead_letters_total", "class"), "dead letter: {{class}}"), q(rate("afterword_facts_passed_over_total", "reason"), "passed over: {{reason}}")],
             "Dead letters cannot be folded; what is passed over is of a kind that this build does not know.", "cps"),
    ]),
    ("Projector", 8, [
        line("Outputs not projected yet", q("sum by (topic) (afterword_projector_lag_records{@})"), "What the report database is behind."),
        stack("Outputs projected", q(rate("afterword_projector_applied_total", "topic")), "Records put into the report database.", "cps"),
        line("Waiting and lost", [q("max(afterword_projector_waiting{@})", "waits for its surroundings"), q(rate("afterword_projector_partitions_lost_total"), "partitions lost to another, a second")],
             "Some lost partitions at a rebalance are normal."),
    ]),
    ("HTTP", 8, [
        stack("Requests by status", q(rate("afterword_http_requests_total", "listener, status")), "Requests answered.", "reqps"),
        line("Time to answer", quantiles("afterword_http_request_seconds", "listener"), "Half of the requests take less than p50; one in a hundred more than p99.", "s"),
        line("Errors by route", q(rate("afterword_http_requests_total", "route, status", ',status=~"5.."') + " or vector(0)"), "Answers with 5xx.", "reqps"),
    ]),
    ("Processes", 8, [
        line("Memory", q("afterword_process_resident_memory_bytes{@}", "{{instance}}"), "Resident memory.", "bytes"),
        line("CPU", q(f"rate(afterword_process_cpu_seconds_total{{@}}{RATE})", "{{instance}}"), "CPU seconds a second: 1 is a whole core.", "none"),
        line("Open files", q("afterword_process_open_fds{@}", "{{instance}}"), "Open files and sockets."),
        line("Time since the start", q("time() - afterword_process_start_time_seconds{@}", "{{instance}}"), "Falls to 0 at a restart.", "s"),
    ]),
    ("Traces", 8, [
        line("Spans sent", q(rate("afterword_spans_exported_total")), "Spans of traces that their receiver has taken; 0 while traces are off.", "cps"),
        stack("Spans dropped", q(rate("afterword_spans_dropped_total", "reason")), "Spans that will be missing in traces; never facts. 0 while traces are off.", "cps"),
    ]),
]

COMMIT = [
    ("Lag", 8, [
        line("Facts not committed", q("sum by (partition) (afterword_lag_facts{@})", "partition {{partition}}"), "Facts in the log that are not committed yet."),
        line("Age of the oldest one", q("max by (partition) (afterword_lag_seconds{@})", "partition {{partition}}"), "By its record's time; 0 when there is none.", "s"),
        line("Tasks by state", q("sum by (state) (afterword_task_state{@})"), "One task a partition.", stacked=True),
    ]),
    ("Commits", 8, [
        line("How long a commit takes", quantiles("afterword_commit_seconds"), "Outputs, position and due states, in one write or one transaction.", "s"),
        line("Facts in a commit", q(f"{rate('afterword_commit_facts_sum')} / {rate('afterword_commit_facts_count')}", "mean"), "Few when there is little to do, many when it catches up."),
        line("Commits a second", q(rate("afterword_commit_seconds_count")), "Of all partitions.", "cps"),
        line("Tasks that started over", q(rate("afterword_task_restarts_total")), "Times that a task threw its memory away and recovered from what is committed.", "cps"),
    ]),
    ("The embedded log's writes", 8, [
        line("How long a durable write takes", quantiles("afterword_append_seconds"), "One sync of the disk, shared by all that came together. Empty on Kafka.", "s"),
        line("Appends that shared a write", q(f"{rate('afterword_append_group_requests_sum')} / {rate('afterword_append_group_requests_count')}", "mean"), "More under load: that is what keeps appends cheap."),
        line("Bytes written", q(rate("afterword_append_bytes_total")), "Handed to the database, before its compression.", "Bps"),
        line("Writes refused or failed", q(rate("afterword_append_impeded_total")), "The disk is full, or broken.", "cps"),
    ]),
    ("States", 8, [
        line("Found in memory", q(f"{rate('afterword_cache_hits_total')} / ({rate('afterword_cache_hits_total')} + {rate('afterword_cache_misses_total')})", "share"), "Share of facts whose conversation was in memory. New conversations cannot be.", "percentunit"),
        line("Memory of states", q("sum by (partition) (afterword_cache_bytes{@})", "partition {{partition}}"), "Bounded by `process.cache_mib` for each partition.", "bytes"),
        line("Facts to fold again after a crash", q("sum by (partition) (afterword_debt_facts{@})", "partition {{partition}}"), "Bounded by `process.debt_facts`."),
        line("States stored", q(rate("afterword_states_stored_total")), "Written with commits, or copied to the changelog.", "cps"),
    ]),
]

RATINGS = [
    ("In the time shown", 4, [
        stat("Customers asked", q("sum(increase(afterword_requests_total{@}[$__range]))"), "Requests for a rating sent.", decimals=0),
        stat("Ratings", q("sum(increase(afterword_ratings_total{@}[$__range]))"), "Ratings first given.", decimals=0),
        stat("Positive", q('sum(increase(afterword_ratings_total{@,reaction=~"great|amazing"}[$__range])) / sum(increase(afterword_ratings_total{@}[$__range]))'), "Share of great and amazing, by the first reaction. The reports count the present one.", "percentunit"),
        stat("Ratings to requests", q("sum(increase(afterword_ratings_total{@}[$__range])) / sum(increase(afterword_requests_total{@}[$__range]))"), "Answers to earlier requests are among them; the reports have the exact response rate.", "percentunit"),
        stat("Comments", q("sum(increase(afterword_comments_total{@}[$__range]))"), "Comments left with ratings.", decimals=0),
    ]),
    ("Asked and answered", 8, [
        stack("Ratings by reaction", [q(rate("afterword_ratings_total", labels=f',reaction="{reaction}"'), reaction) for reaction in REACTIONS], "Ratings first given.", "cps", colours=REACTIONS),
        line("Requests and ratings", [q(rate("afterword_requests_total"), "requests"), q(rate("afterword_ratings_total"), "ratings"), q(rate("afterword_comments_total"), "comments")], "A gap that opens: requests go out and nobody answers.", "cps"),
        line("Answers refused", q(rate("afterword_refusals_total", "reason")), "By the rules: locked, not the customer who was asked, and the like.", "cps"),
    ]),
    ("Why not", 8, [
        line("Share of closes that are asked", q(f'{rate("afterword_decisions_total", labels=",outcome=" + chr(34) + "requested" + chr(34))} / {rate("afterword_decisions_total")}', "asked"), "A step in it is a change of settings, or of what teams do.", "percentunit"),
        bars("Criteria that were not met", q("sort_desc(sum by (criterion) (increase(afterword_criterion_failures_total{@}[$__range])))"), "A close may fail several.", decimals=0),
        line("Criteria not met over time", q(rate("afterword_criterion_failures_total", "criterion")), "Closes that failed each criterion.", "cps"),
    ]),
    ("The survey's pages", 8, [
        stack("Forms sent, by what became of them", q(rate("afterword_survey_answers_total", "outcome")), "What the customer was told.", "cps"),
        line("From sent to decided", quantiles("afterword_survey_decided_seconds"), "From the durable answer to what the rules made of it, as the page saw it.", "s"),
        stack("Pages shown", q(rate("afterword_survey_pages_total", "page")), "By what they showed; link followers are among them.", "cps"),
        line("Marked and held back", [q(f'{rate("afterword_survey_marked_total", "mark")} or label_replace(vector(0), "mark", "none", "", "")', "as no person answers: {{mark}}"), q(f'{rate("afterword_survey_limited_total", "by")} or label_replace(vector(0), "by", "none", "", "")', "asked too often: {{by}}")],
             "Answers of scanners are marked and kept.", "cps"),
    ]),
]

DELIVERY = [
    ("Now", 4, [
        stat("Waiting to be sent", q("sum(afterword_deliver_backlog{@})"), "Mails and webhooks."),
        stat("Oldest of them", q("max(afterword_deliver_oldest_seconds{@})"), "After a day, by default, it is marked as too old and not sent.", "s", 600, 21600),
        stat("Without an address", q("sum(afterword_deliver_without_address{@})"), "Mails that wait until the directory of contacts has an address."),
        stat("Lanes that cannot be reached", q("sum(afterword_deliver_unreachable{@})"), "The mail server, or a webhook's receiver.", bad=1),
    ]),
    ("Deliveries", 8, [
        stack("Finished, by state", q(rate("afterword_deliver_finished_total", "lane, state")), "Sent, or given up and why.", "cps"),
        line("Attempts made again", q(f'{rate("afterword_deliver_retries_total", "lane")} or label_replace(vector(0), "lane", "none", "", "")'), "Attempts that failed and are made again later.", "cps"),
        line("How long an attempt takes", quantiles("afterword_deliver_attempt_seconds", "lane"), "Until the mail server or the receiver has answered.", "s"),
    ]),
    ("The queue", 8, [
        line("Waiting, by lane", q("sum by (lane) (afterword_deliver_backlog{@})"), "A lane is the mail server or one webhook."),
        line("Age of the oldest", q("max by (lane) (afterword_deliver_oldest_seconds{@})"), "Of what is not final.", "s"),
        line("Unreachable", q("max by (lane) (afterword_deliver_unreachable{@})"), "1 while it cannot be reached."),
    ]),
]

DASHBOARDS = {
    "pipeline": ("Afterword: pipeline", PIPELINE),
    "commit-and-lag": ("Afterword: commits and lag", COMMIT),
    "ratings": ("Afterword: ratings", RATINGS),
    "delivery": ("Afterword: delivery", DELIVERY),
}


def thresholds(spec):
    steps = [{"color": "green" if spec.get("warn") or spec.get("bad") else "text", "value": None}]
    for colour, name in (("orange", "warn"), ("red", "bad")):
        if spec.get(name) is not None:
            steps.append({"color": colour, "value": spec[name]})
    return {"mode": "absolute", "steps": steps}


def field_config(spec):
    defaults = {"unit": spec["unit"], "min": 0, "thresholds": thresholds(spec), "color": {"mode": "thresholds" if spec["kind"] == "stat" else "palette-classic"}}
    if "decimals" in spec:
        defaults["decimals"] = spec["decimals"]
    if spec["kind"] == "timeseries":
        stacked = {"mode": "normal", "group": "A"} if spec.get("stacked") else {"mode": "none"}
        defaults["custom"] = {"lineWidth": 1, "fillOpacity": 60 if spec.get("stacked") else 8, "showPoints": "never", "stacking": stacked}
    overrides = [
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}]}
        for name, colour in spec.get("colours", {}).items()
    ]
    return {"defaults": defaults, "overrides": overrides}


def options(kind):
    if kind == "timeseries":
        return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    reduce = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    if kind == "stat":
        return {**reduce, "colorMode": "value", "graphMode": "area", "textMode": "value"}
    return {**reduce, "orientation": "horizontal", "displayMode": "basic"}


def made_panel(spec, number, place):
    source = {"type": "prometheus", "uid": "${datasource}"}
    instant = spec["kind"] == "bargauge"
    targets = []
    for index, (expression, legend) in enumerate(spec["queries"]):
        # A sum of everything has no labels that Grafana could make a name of.
        if legend == "__auto" and " by (" not in expression:
            legend = spec["title"]
        targets.append({"refId": chr(65 + index), "datasource": source, "expr": expression, "legendFormat": legend, "instant": instant, "range": not instant})
    return {
        "id": number, "type": spec["kind"], "title": spec["title"], "description": spec["about"], "datasource": source, "gridPos": place,
        "targets": targets, "fieldConfig": field_config(spec), "options": options(spec["kind"]),
    }


def made_panels(rows):
    panels, top, number = [], 0, 0
    for title, height, specs in rows:
        number += 1
        panels.append({"id": number, "type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}})
        top += 1
        width = WIDTH // len(specs)
        for index, spec in enumerate(specs):
            number += 1
            panels.append(made_panel(spec, number, {"x": index * width, "y": top, "w": width, "h": height}))
        top += height
    return panels


def made(name, title, rows):
    source = {"type": "prometheus", "uid": "${datasource}"}
    variables = [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}, "hide": 0},
        {"name": "instance", "label": "Process", "type": "query", "datasource": source, "query": {"query": "label_values(afterword_build_info, instance)", "refId": "instance"},
         "refresh": 2, "multi": True, "includeAll": True, "allValue": ".*", "sort": 1, "current": {"text": "All", "value": "$__all"}},
    ]
    links = [{"title": "Afterword", "type": "dashboards", "tags": ["afterword"], "asDropdown": False, "keepTime": True, "includeVars": True}]
    return {
        "uid": f"afterword-{name}", "title": title, "tags": ["afterword"], "schemaVersion": 39, "version": 1, "editable": True, "timezone": "",
        "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "templating": {"list": variables}, "links": links, "annotations": {"list": []},
        "panels": made_panels(rows),
    }


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.exit("usage: dashboards.py [--check]")
    OUT.mkdir(exist_ok=True)
    stale = []
    for name, (title, rows) in DASHBOARDS.items():
        text = json.dumps(made(name, title, rows), indent=1, ensure_ascii=False) + "\n"
        path = OUT / f"{name}.json"
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.name)
        if not arguments:
            path.write_text(text, encoding="utf-8")
    stale += sorted(path.name for path in OUT.glob("*.json") if path.stem not in DASHBOARDS)
    if stale and arguments:
        sys.exit(f"not what dashboards.py makes: {', '.join(stale)}; run deploy/watch/dashboards.py (make dashboards)")
    print(f"{len(DASHBOARDS)} dashboards, {len(stale)} changed")


if __name__ == "__main__":
    main(sys.argv[1:])
