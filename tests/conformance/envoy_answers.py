"""Recorded answers of a real Envoy, and the predictor's answers to the same questions.

The proxies are those of the recorded scenarios. What the recorder changed (clusters are echoes, timeouts, keys) is in
the routes-configs file and does not bear on what is compared here.
"""

import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from simulator.envoy.config import Config
from simulator.envoy.connections import Connection
from simulator.envoy.documents import child, children, package, text
from simulator.envoy.filter_chain_match import match_filter_chain
from simulator.envoy.forwarding import Departure
from simulator.envoy.http_routing import route_http
from simulator.envoy.listener_filters import inspect
from simulator.model.requests import Request, Tls, Wire
from simulator.model.traces import Disposition, Step, StepKind
from simulator.model.wire import Json

HERE = Path(__file__).parent
SCENARIOS = HERE / "scenarios"
SHARED = HERE.parents[2] / "shared" / "goldens" / "xds"
NOW = 1_800_000_000
"""Tokens in the recordings expired long before or expire long after."""
WATCHED = 10.0
"""The recorder waited out the timeouts that a listener sets, and not the default of 15 seconds."""

_FORWARDED = frozenset(
    {
        Disposition.DELIVERED,
        Disposition.PASSED_THROUGH,
        # the recorder put an echo behind every cluster, so these were answered, too
        Disposition.NO_HEALTHY_ENDPOINT,
        Disposition.BLACK_HOLE,
    }
)
_ANSWERED = frozenset({"via_upstream", "websocket_handshake_unsuccessful", "downstream_remote_disconnect"})
_TLS = {None: Tls.NONE, "server": Tls.SIMPLE, "mutual": Tls.MUTUAL}
_SENT = {
    **dict.fromkeys(
        ("CONNECT", "POST", "HTTP/1.1", "bad header", "no host", "lower-case method", "unknown method", "upgrade h2c"),
        Wire.HTTP1,
    ),
    **dict.fromkeys(("h2c preface", "h2c preface only"), Wire.HTTP2),
    **dict.fromkeys(("first line without end", "part of the h2c preface"), Wire.UNFINISHED),
    # fewer bytes than a TLS record's head tell an inspector nothing
    **dict.fromkeys(("silent", "three letters"), Wire.SILENT),
    "HTTP/1.0": Wire.HTTP10,
}


def records(name: str) -> Iterator[Json]:
    """Yield the lines of one recording."""
    with gzip.open(HERE / "envoy" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def proxy_file(source: str) -> Path | None:
    """Return the recorded proxy that `own:<scenario>/proxies/<file>` names; None when it is nowhere."""
    scenario, _, file = source.removeprefix("own:").partition("/proxies/")
    places = (SCENARIOS / scenario / "proxies" / f"{file}.gz", SHARED / scenario / "proxies" / file)
    return next((path for path in places if path.exists()), None)


@cache
def configuration(source: str) -> Config:
    """Read a recorded proxy."""
    path = proxy_file(source)
    assert path is not None, f"{source} is not recorded"
    content = path.read_bytes()
    return Config.read(json.loads(gzip.decompress(content) if path.suffix == ".gz" else content))


def listener(source: Json) -> Json:
    """Return the listener that a recorded line names."""
    name = source["listener"]
    return next(one for one in configuration(source["file"]).listeners if one["name"] == name)


@cache
def _manager(file: str, name: str, chain: int | str) -> Json:
    found = listener({"file": file, "listener": name})
    document = found["default_filter_chain"] if chain == "default" else found["filter_chains"][chain]
    for item in children(document, "filters"):
        if package(child(item, "typed_config")).endswith("HttpConnectionManager"):
            return child(item, "typed_config")
    raise AssertionError(f"{name} has no connection manager")


def request(record: Json) -> Request:
    """Return the recorded request."""
    sent, client = record["request"], record["client"]
    ip, _, port = record["listen"].rpartition(":")
    return Request(
        host=sent["host"] or "",
        port=int(port),
        method=sent["method"],
        target=sent["target"],
        authority=sent["host"] or "",
        omits_host=sent["host"] is None,
        headers=tuple((name, value) for name, value in sent["headers"]),
        tls=_TLS[client["tls"]],
        sni=client.get("sni") or "",
        identity=client.get("identity") or "",
        source_ip="127.0.0.1",
        destination_ip=ip,
        time=NOW,
    )


def predict(record: Json) -> Departure:
    """Ask the predictor what was asked of Envoy."""
    source = record["source"]
    manager = _manager(source["file"], source["listener"], source["chain"])
    return route_http(configuration(source["file"]), manager, Connection(request=request(record)))


def route_differences(record: Json) -> tuple[str, ...]:
    """Return which parts of a recorded answer the prediction has otherwise."""
    predicted = predict(record)
    steps = {step.kind: step for step in predicted.steps}
    actual = record.get("envoy")
    if actual is None:
        return _repeated(record, predicted, steps)
    found = [
        ("virtual host", _index(steps.get(StepKind.VIRTUAL_HOST)), actual["vhost"]),
        ("route", _index(steps.get(StepKind.ROUTE)), (actual["route"] or {}).get("index")),
    ]
    if "chance" in record:
        found += _chance(record, predicted, steps)
    else:
        found += _certain(record, predicted)
    if predicted.forwarded is not None and record.get("upstream"):
        found.append(("path", predicted.forwarded.request.target, record["upstream"]["path"]))
        found.append(("authority", predicted.forwarded.request.host_header, record["upstream"]["authority"]))
        if "chance" not in record:  # each cluster may change headers of its own
            found.append(("headers", _own(predicted.forwarded.request.headers), _own(record["upstream"]["headers"])))
    return tuple(name for name, ours, theirs in found if ours != theirs)


def _index(step: Step | None) -> int | None:
    return step.index if step is not None else None


def _forwarded(predicted: Departure) -> bool:
    return predicted.verdict.disposition in _FORWARDED


def _certain(record: Json, predicted: Departure) -> list[tuple[str, Any, Any]]:
    actual, verdict = record["envoy"], predicted.verdict
    found: list[tuple[str, Any, Any]] = [
        ("status", 200 if _forwarded(predicted) else verdict.status, record["response"]["status"]),
        ("location", verdict.location or None, record["response"].get("location")),
    ]
    if _forwarded(predicted) and predicted.forwarded is not None:
        found.append(("answered", actual["details"] in _ANSWERED, True))
        found.append(("cluster", predicted.forwarded.cluster, actual["cluster"]))
    else:
        found.append(("details", verdict.details, actual["details"]))
    return found


def _chance(record: Json, predicted: Departure, steps: dict[StepKind, Step]) -> list[tuple[str, Any, Any]]:
    weights = {name for name, weight in (record["chance"].get("weights") or {}).items() if weight}
    if not weights or StepKind.CLUSTER not in steps:
        return []
    return [("shares", _shared(steps[StepKind.CLUSTER]), weights)]


def _shared(step: Step) -> set[str]:
    listed = step.details.get("shares")
    return {entry.rpartition(": ")[0] for entry in listed} if listed else {step.chosen}


def _repeated(record: Json, predicted: Departure, steps: dict[StepKind, Step]) -> tuple[str, ...]:
    route = _index(steps.get(StepKind.ROUTE))
    found: list[tuple[str, Any, Any]] = [("route", route, record["route"]["index"])]
    found += _chance(record, predicted, steps)
    return tuple(name for name, ours, theirs in found if ours != theirs)


_ENVOYS_OWN = ("x-forwarded-", "x-envoy-", "x-request-id", "content-length", "connection", "upgrade", "http2-settings",
               "te", "transfer-encoding", "host", "keep-alive", "proxy-connection")  # fmt: skip


_CLIENT_PORT = re.compile(r"(127\.0\.0\.1):\d+")


def _own(headers: Any) -> list[tuple[str, str]]:
    """Return the headers that no proxy adds or drops on its own account, in a stable order."""
    return sorted(
        (name.lower(), _CLIENT_PORT.sub(r"\1:0", value))
        for name, value in headers
        if not name.lower().startswith(_ENVOYS_OWN)
    )


def chain_answer(record: Json) -> int | str | None:
    """Return the filter chain that the predictor chooses for a recorded connection."""
    found = listener(record["source"])
    ip, _, port = record["destination"].rpartition(":")
    probe = record["probe"]
    if probe["kind"] == "tls":
        asked = Request(
            tls=Tls.SIMPLE, sni=probe["sni"] or "", alpn=tuple(probe["alpn"] or ()), destination_ip=ip,
            port=int(port), source_ip="127.0.0.1",
        )  # fmt: skip
    else:
        wire = _SENT.get(probe["sent"], Wire.OPAQUE)
        asked = Request(wire=wire, destination_ip=ip, port=int(port), source_ip="127.0.0.1")
    inspection = inspect(found, asked)
    if inspection.waits or inspection.timeout > WATCHED:
        return None
    match = match_filter_chain(found, inspection.connection)
    return "default" if match.is_default else match.index


def shown(record: Json) -> str:
    """Print where a record is from."""
    return f"{record['id']} ({text(record, 'case')}) of {record['source']['file']} {record['source']['listener']}"
