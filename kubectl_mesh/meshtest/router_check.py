"""Cases of Envoy's route table check tool: requests, and what its router makes of them in Envoy's words.

Format: https://www.envoyproxy.io/docs/envoy/latest/configuration/operations/tools/router_check
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from kubectl_mesh.meshtest.importing import Draft
from kubectl_mesh.meshtest.model import Case, Destination, Expectation
from kubectl_mesh.meshtest.nodes import Node, each
from simulator.model.names import ClusterName
from simulator.model.traces import Disposition

_INPUT = (
    "authority", "path", "method", "internal", "random_value", "ssl", "runtime", "additional_request_headers",
    "additional_response_headers", "dynamic_metadata",
)  # fmt: skip
_VALIDATE = (
    "cluster_name", "virtual_cluster_name", "virtual_host_name", "host_rewrite", "path_rewrite", "path_redirect",
    "code_redirect", "request_header_matches", "response_header_matches",
)  # fmt: skip
_SENT = tuple(each.value for each in Disposition if each.is_delivered or each is Disposition.NO_HEALTHY_ENDPOINT)
_HEADER_MATCH = ("name", "string_match", "exact_match", "present_match", "presence_match", "invert_match")


def cases(root: Node, sender: str) -> Iterator[Case]:
    """Yield the cases of a document."""
    for node in each(root.fields("tests").get("tests"), lambda node: node):
        fields = node.fields("test_name", "input", "validate")
        if "input" not in fields or "validate" not in fields:
            raise node.wrong("input and validate are needed")
        given = fields["input"].fields(*_INPUT)
        for key in ("authority", "path"):
            if key not in given:
                raise fields["input"].wrong(f"no {key}")
        expect, skip = _expectation(fields["validate"])
        yield Draft(
            name=fields["test_name"].text() if "test_name" in fields else node.name,
            sender=sender,
            position=node.position,
            method=given["method"].text() if "method" in given else "GET",
            headers=tuple(_sent_headers(given)),
            random=(given["random_value"].number() % 100) / 100 if "random_value" in given else 0.0,
            skip=_needs(given) or skip,
        ).case(f"{_scheme(given)}://{given['authority'].text()}{given['path'].text()}", expect)


def _scheme(given: Mapping[str, Node]) -> str:
    return "https" if "ssl" in given and given["ssl"].flag() else "http"


def _needs(given: Mapping[str, Node]) -> str:
    for key in ("runtime", "dynamic_metadata"):
        if given.get(key) is not None and given[key].value:
            return f"input.{key} has no counterpart: istiod writes no routes that read it"
    return ""


def _sent_headers(given: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    for node in each(given.get("additional_request_headers"), lambda node: node):
        pair = node.fields("key", "value")
        yield pair["key"].text(), pair["value"].text() if "value" in pair else ""
    if "internal" in given and given["internal"].flag():
        yield "x-envoy-internal", "true"


def _expectation(node: Node) -> tuple[Expectation | None, str]:
    fields = node.fields(*_VALIDATE)
    expect = Expectation()
    skip = ""
    if "cluster_name" in fields:
        expect, skip = _cluster(fields["cluster_name"].text(), expect)
    if "virtual_cluster_name" in fields and fields["virtual_cluster_name"].text() not in ("", "other"):
        skip = skip or "istiod makes no virtual clusters"
    if "path_redirect" in fields:
        expect = replace(expect, redirect=fields["path_redirect"].text())
    if "code_redirect" in fields:
        expect = replace(expect, status=fields["code_redirect"].integer() or None)
    expect = replace(
        expect,
        virtual_host=fields["virtual_host_name"].text() if "virtual_host_name" in fields else None,
        authority=fields["host_rewrite"].text() if "host_rewrite" in fields else None,
        path=fields["path_rewrite"].text().partition("?")[0] if "path_rewrite" in fields else None,
    )
    sent, reason = _matches(fields.get("request_header_matches"))
    answered, other = _matches(fields.get("response_header_matches"))
    expect = replace(expect, sent_headers=sent, response_headers=answered)
    return (expect if expect != Expectation() else None), skip or reason or other


def _cluster(name: str, expect: Expectation) -> tuple[Expectation, str]:
    """Read the name of an Envoy cluster; an empty one says that the request goes nowhere."""
    if not name:
        return replace(expect, absent=Expectation(disposition=_SENT)), ""
    if name == "PassthroughCluster":
        return replace(expect, disposition=(Disposition.PASSED_THROUGH.value,)), ""
    if name == "BlackHoleCluster":
        return replace(expect, disposition=(Disposition.BLACK_HOLE.value,)), ""
    cluster = ClusterName.parse(name)
    if cluster is None:
        return expect, f"{name} is no cluster of istiod's; it names them outbound|PORT|SUBSET|HOST"
    wanted = Destination(service=cluster.host, subset=cluster.subset, port=cluster.port)
    return replace(expect, destination=wanted), ""


def _matches(node: Node | None) -> tuple[Mapping[str, str | None], str]:
    """Return header → value, None for one that must be absent, and why another form of match is not understood."""
    found: dict[str, str | None] = {}
    for one in each(node, lambda node: node):
        fields = one.fields(*_HEADER_MATCH)
        exact = fields["string_match"].entries().get("exact") if "string_match" in fields else fields.get("exact_match")
        inverted = "invert_match" in fields and fields["invert_match"].flag()
        absent = "present_match" in fields and inverted is fields["present_match"].flag()
        if "name" not in fields or not (absent or (exact is not None and not inverted)):
            return {}, "of header matches, only exact ones and absence are understood"
        found[fields["name"].text().lower()] = None if absent else exact.text() if exact is not None else ""
    return found, ""
