"""Envoy's admin interface (port 15000) over a config dump.

Envoy: docs/root/operations/admin.rst; formats observed on Envoy 1.38 and 1.40.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import parse_qsl

from simulator.istiod import cluster_status
from simulator.istiod.circumstances import UNTROUBLED, Circumstances
from simulator.istiod.dump_views import NoSuchResource, section, view
from simulator.istiod.loggers import Loggers
from simulator.istiod.pages import Page, document, text
from simulator.model.wire import Json

ENVOY_VERSION = "1.38.0"
_BUILD = f"0000000000000000000000000000000000000000/{ENVOY_VERSION}/Clean/RELEASE/BoringSSL"
_GET = {
    "certs": "print certs on machine",
    "clusters": "upstream cluster status",
    "config_dump": "dump current Envoy configs",
    "help": "print out list of admin commands",
    "hot_restart_version": "print the hot restart compatibility version",
    "listeners": "print listener info",
    "memory": "print current allocation/heap usage",
    "ready": "print server state, return 200 if LIVE, otherwise return 503",
    "runtime": "print runtime values",
    "server_info": "print server version/status information",
    "stats": "print server stats",
    "stats/prometheus": "print server stats in prometheus format",
}
_POST = {
    "drain_listeners": "drain listeners",
    "healthcheck/fail": "cause the server to fail health checks",
    "healthcheck/ok": "cause the server to pass health checks",
    "logging": "query/change logging levels",
    "quitquitquit": "exit the server",
    "reset_counters": "reset all counters to zero",
}


def admin_page(
    dump: Callable[[], Json],
    method: str,
    target: str,
    loggers: Loggers,
    met: Circumstances = UNTROUBLED,
    *,
    indent: int | None = 1,
) -> Page:
    """Answer a request to the admin interface; `dump` returns the config dump with endpoints, and is called if needed.

    Envoy indents JSON by one space; without indentation (None), printing takes a tenth of the time.
    """
    path, _, parameters = target.partition("?")
    path, query = path.strip("/"), dict(parse_qsl(parameters, keep_blank_values=True))
    if path in ("", "help") and method in ("GET", "HEAD"):
        return text("admin commands are:\n" + _help())
    if path in _POST:
        if method != "POST":
            return text(f"Method {method} not allowed, POST required.", status=405)
        return loggers.post(query) if path == "logging" else text("OK\n")
    if path not in _GET:
        return text("invalid path. admin commands are:\n" + _help(), status=404)
    try:
        return _page(dump, path, query, loggers=loggers, met=met, indent=indent)
    except NoSuchResource as error:
        return text(f"{error} not found in config dump", status=404)
    except re.error:
        return text("Error parsing name_regex or filter", status=400)


def _help() -> str:
    lines = {f"/{path}": words for path, words in _GET.items()} | {
        f"/{path} (POST)": words for path, words in _POST.items()
    }
    return "".join(f"  {path}: {words}\n" for path, words in sorted(lines.items()))


def _page(
    dump: Callable[[], Json],
    path: str,
    query: Mapping[str, str],
    *,
    loggers: Loggers,
    met: Circumstances,
    indent: int | None,
) -> Page:
    as_json = query.get("format") == "json"
    match path:
        case "config_dump":
            return document(view(dump(), query), indent=indent)
        case "clusters":
            found = dump()
            return (
                document(cluster_status.cluster_statuses(found, met), indent=indent)
                if as_json
                else text(cluster_status.clusters_text(found, met))
            )
        case "listeners":
            found = dump()
            return (
                document(cluster_status.listener_statuses(found), indent=indent)
                if as_json
                else text(cluster_status.listeners_text(found))
            )
        case "certs":
            return document({"certificates": []}, indent=indent)
        case "ready":
            return text("LIVE\n")
        case "hot_restart_version":
            return text("11.104\n")
        case "memory":
            fields = (
                "allocated",
                "heap_size",
                "pageheap_unmapped",
                "pageheap_free",
                "total_thread_cache",
                "total_physical_bytes",
            )
            return document(dict.fromkeys(fields, "0"), indent=indent)
        case "runtime":
            return document({"layers": [], "entries": {}}, indent=indent)
        case "server_info":
            return document(_server_info(dump(), loggers), indent=indent)
    return _stats(dump(), path, query, met)


def _server_info(dump: Json, loggers: Loggers) -> Json:
    node = (section(dump, "BootstrapConfigDump").get("bootstrap") or {}).get("node") or {}
    return {
        "version": _BUILD,
        "state": "LIVE",
        "uptime_current_epoch": "3600s",
        "uptime_all_epochs": "3600s",
        "hot_restart_version": "11.104",
        "command_line_options": {"concurrency": 2, "log_level": loggers.levels["admin"], "mode": "Serve"},
        "node": node,
    }


def statistics(dump: Json, met: Circumstances = UNTROUBLED) -> Iterator[tuple[str, int]]:
    """Yield the statistics that configuration alone determines, and the traffic counters, which are zero."""
    eds, active = cluster_status.assignments(dump), 0
    for cluster, _ in cluster_status.clusters(dump):
        active += 1
        name = cluster.get("alt_stat_name") or cluster.get("name", "")
        found = list(cluster_status.hosts(cluster, eds))
        healthy = [
            endpoint for endpoint, _, _ in found if endpoint.get("health_status", "HEALTHY") in ("HEALTHY", "UNKNOWN")
        ]
        ejected = met.is_ejected(cluster.get("name", ""))
        yield f"cluster.{name}.membership_healthy", 0 if ejected else len(healthy)
        yield f"cluster.{name}.membership_total", len(found)
        for counter in ("upstream_cx_total", "upstream_rq_total", "upstream_rq_5xx", "upstream_cx_connect_fail"):
            yield f"cluster.{name}.{counter}", 0
    yield "cluster_manager.active_clusters", active
    yield "cluster_manager.cds.update_rejected", int("CDS" in met.rejected)
    yield "control_plane.connected_state", int(met.connected)
    yield "listener_manager.lds.update_rejected", int("LDS" in met.rejected)
    yield "listener_manager.total_listeners_active", sum(1 for _ in cluster_status.listeners(dump))
    yield "listener_manager.workers_started", 1
    yield "server.live", 1
    yield "server.state", 0


def _stats(dump: Json, path: str, query: Mapping[str, str], met: Circumstances) -> Page:
    pattern = re.compile(query.get("filter", ""))
    found = sorted((name, value) for name, value in statistics(dump, met) if pattern.search(name))
    if "usedonly" in query:
        found = [(name, value) for name, value in found if value]
    if path.endswith("prometheus") or query.get("format") == "prometheus":
        return text(_prometheus(found))
    if query.get("format") == "json":
        return document({"stats": [{"name": name, "value": value} for name, value in found]})
    return text("".join(f"{name}: {value}\n" for name, value in found))


def _prometheus(found: list[tuple[str, int]]) -> str:
    lines: list[str] = []
    metrics: dict[str, list[str]] = {}
    for name, value in found:
        labels = ""
        if name.startswith("cluster."):
            cluster, _, name = name.removeprefix("cluster.").rpartition(".")
            labels, name = f"{{cluster_name={json.dumps(cluster)}}}", f"cluster_{name}"
        metrics.setdefault("envoy_" + re.sub(r"\W", "_", name), []).append(f"{labels} {value}")
    for metric, samples in sorted(metrics.items()):
        lines.append(f"# TYPE {metric} {'counter' if '_total' in metric or '_5xx' in metric else 'gauge'}")
        lines.extend(f"{metric}{sample}" for sample in samples)
    return "".join(f"{line}\n" for line in lines)
