"""Reads the `expect` of a case or an invariant into an Expectation."""

from collections.abc import Mapping

from kubectl_mesh.meshtest.durations import seconds
from kubectl_mesh.meshtest.model import DISPOSITIONS, Authorization, Destination, Expectation, Retries, Rule
from kubectl_mesh.meshtest.nodes import Node, each

_EXPECT = (
    "disposition",
    "status",
    "destination",
    "rule",
    "split",
    "redirect",
    "path",
    "authority",
    "timeout",
    "retries",
    "headers",
    "upstreamTls",
    "authz",
    "not",
)
_ALL = 100.0
_ROUNDED = 0.1
"""Percentage points by which the sum of rounded weights may differ from 100."""
_TLS = ("none", "simple", "mtls")
_RULES = {"virtualService": "VirtualService", "httpRoute": "HTTPRoute", "grpcRoute": "GRPCRoute"}


def read_expectation(node: Node) -> Expectation:
    """Read what must hold; an expectation that states nothing is an error."""
    fields = node.fields(*_EXPECT)
    if not fields:
        raise node.wrong("nothing is expected", hint=f"state one of {', '.join(_EXPECT)}")
    headers = fields["headers"].stated("request", "response") if "headers" in fields else {}
    return Expectation(
        disposition=_dispositions(fields.get("disposition")),
        status=fields["status"].integer() if "status" in fields else None,
        destination=_destination(fields["destination"]) if "destination" in fields else None,
        rule=_rule(fields["rule"]) if "rule" in fields else None,
        split=_split(fields["split"]) if "split" in fields else (),
        redirect=_optional(fields, "redirect"),
        path=_optional(fields, "path"),
        authority=_optional(fields, "authority"),
        timeout=_duration(fields.get("timeout")),
        retries=_retries(fields["retries"]) if "retries" in fields else None,
        request_headers=_headers(headers.get("request")),
        response_headers=_headers(headers.get("response")),
        upstream_tls=fields["upstreamTls"].text(among=_TLS) if "upstreamTls" in fields else None,
        authz=_authorization(fields["authz"]) if "authz" in fields else None,
        absent=read_expectation(fields["not"]) if "not" in fields else None,
    )


def _dispositions(node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    nodes = list(node.items()) if isinstance(node.value, list) else [node]
    if not nodes:
        raise node.wrong("an empty list allows nothing", hint="leave it out, or name dispositions")
    return tuple(one.text(among=DISPOSITIONS) for one in nodes)


def _destination(node: Node) -> Destination:
    fields = node.stated("service", "subset", "port", "workload")
    return Destination(
        service=fields["service"].text() if "service" in fields else "",
        subset=_optional(fields, "subset"),
        port=fields["port"].integer() if "port" in fields else None,
        workload=fields["workload"].text() if "workload" in fields else "",
    )


def _split(node: Node) -> tuple[tuple[Destination, float], ...]:
    branches = each(node, _branch)
    total = sum(weight for _, weight in branches)
    if abs(total - _ALL) > _ROUNDED:
        raise node.wrong(f"weights add up to {total:g}, not 100", hint="weights are per cent; name every destination")
    return branches


def _branch(node: Node) -> tuple[Destination, float]:
    fields = node.fields("service", "subset", "port", "weight")
    if "weight" not in fields:
        raise node.wrong("no weight")
    parts = Node(value={k: v for k, v in node.value.items() if k != "weight"}, origin=node.origin, path=node.path)
    return _destination(parts), fields["weight"].per_cent()


def _rule(node: Node) -> Rule:
    fields = node.stated(*_RULES, "index", "name")
    kinds = [key for key in _RULES if key in fields]
    if len(kinds) > 1:
        raise node.wrong(f"{' and '.join(kinds)}: a request is routed by one rule")
    return Rule(
        resource=f"{_RULES[kinds[0]]}/{fields[kinds[0]].text()}" if kinds else "",
        index=fields["index"].integer() if "index" in fields else None,
        name=_optional(fields, "name"),
    )


def _retries(node: Node) -> Retries:
    fields = node.stated("attempts", "on", "perTryTimeout")
    conditions = fields.get("on")
    return Retries(
        attempts=fields["attempts"].integer() if "attempts" in fields else None,
        on=tuple(part for text in conditions.texts() for part in text.split(",")) if conditions is not None else None,
        per_try_timeout=_duration(fields.get("perTryTimeout")),
    )


def _authorization(node: Node) -> Authorization:
    fields = node.stated("verdict", "by")
    verdict = fields["verdict"].text(among=("allow", "deny")) if "verdict" in fields else None
    return Authorization(verdict=verdict, by=_optional(fields, "by"))


def _headers(node: Node | None) -> Mapping[str, str | None]:
    if node is None:
        return {}
    if not (entries := node.entries()):
        raise node.wrong("no header is named", hint="write NAME: VALUE, or NAME: null for one that is removed")
    return {key.lower(): None if value.value is None else value.text() for key, value in entries.items()}


def _duration(node: Node | None) -> str | None:
    """Return a duration as written, if it is valid."""
    if node is None:
        return None
    text = node.text()
    if text != "none" and seconds(text) is None:
        raise node.wrong(f"{text} is not a duration", hint="write 3s, 250ms, 1m30s, or none")
    return text


def _optional(fields: Mapping[str, Node], key: str) -> str | None:
    return fields[key].text() if key in fields else None
