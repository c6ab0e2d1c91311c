"""Cases of Envoy's route table check tool: requests, and their routes in Envoy's terms.

Format: https://www.envoyproxy.io/docs/envoy/latest/configuration/operations/tools/router_check. Keys are accepted in
both spellings, as in protobuf's JSON, and under the names that older versions had.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from kubectl_mesh.meshtest.borrowed import Borrowed
from kubectl_mesh.meshtest.drafts import Draft
from kubectl_mesh.meshtest.model import Case, Destination, Expectation
from kubectl_mesh.meshtest.nodes import Node, each
from simulator.model.names import ClusterName
from simulator.model.traces import Disposition
from simulator.model.wire import Json

_INPUT = (
    "authority", "path", "method", "internal", "randomValue", "ssl", "runtime", "additionalRequestHeaders",
    "additionalResponseHeaders", "dynamicMetadata", "additionalHeaders",
)  # fmt: skip
_MATCHES = {"request": "requestHeaderMatches", "response": "responseHeaderMatches"}
_FIELDS = {
    "request": ("requestHeaderFields", "headerFields", "customHeaderFields"),
    "response": ("responseHeaderFields",),
}
"""The older form, header fields with their values; the oldest did not distinguish requests from responses."""
_VALIDATE = (
    "clusterName", "virtualClusterName", "virtualHostName", "hostRewrite", "pathRewrite", "pathRedirect",
    "codeRedirect", *_MATCHES.values(), *_FIELDS["request"], *_FIELDS["response"],
)  # fmt: skip
_SENT = tuple(each.value for each in Disposition if each.is_delivered or each is Disposition.NO_HEALTHY_ENDPOINT)
_HEADER_MATCH = {
    "name": "name", "stringMatch": "string_match", "exactMatch": "exact_match", "prefixMatch": "prefix_match",
    "suffixMatch": "suffix_match", "containsMatch": "contains_match", "safeRegexMatch": "safe_regex_match",
    "rangeMatch": "range_match", "presentMatch": "present_match", "presenceMatch": "present_match",
    "invertMatch": "invert_match", "treatMissingHeaderAsEmpty": "treat_missing_header_as_empty",
}  # fmt: skip
_STRING_MATCH = {
    "exact": "exact", "prefix": "prefix", "suffix": "suffix", "contains": "contains", "safeRegex": "safe_regex",
    "ignoreCase": "ignore_case",
}  # fmt: skip
_HARMLESS = "re2."
"""Runtime keys for the limits of the regular expression engine."""


def cases(root: Node, sender: str) -> Iterator[Case]:
    """Yield the cases of a document: `tests`, or the bare list that older files are."""
    fields = {"tests": root} if isinstance(root.value, list) else root.camel().fields("runtime", "tests")
    settings = fields["runtime"].entries() if "runtime" in fields else {}
    runtime = next((key for key in settings if not key.startswith(_HARMLESS)), "")
    for node in each(fields.get("tests"), lambda node: node):
        case = node.camel().fields("testName", "input", "validate")
        if "input" not in case or "validate" not in case:
            raise node.wrong("input and validate are needed")
        given = case["input"].camel().fields(*_INPUT)
        for key in ("authority", "path"):
            if key not in given:
                raise case["input"].wrong(f"no {key}")
        expect, skip = _expectation(case["validate"].camel(), tuple(_headers(given, _ANSWERED)))
        yield Draft(
            name=case["testName"].text() if "testName" in case else node.name,
            sender=sender,
            position=node.position,
            method=given["method"].text() if "method" in given else "GET",
            headers=(*_headers(given, _ASKED), *_flags(given)),
            random=(given["randomValue"].number() % 100) / 100 if "randomValue" in given else 0.0,
            skip=_needs(given, runtime) or skip,
        ).case(f"{_scheme(given)}://{given['authority'].text()}{given['path'].text()}", expect)


_ASKED = ("additionalRequestHeaders", "additionalHeaders")
_ANSWERED = ("additionalResponseHeaders",)


def _scheme(given: Mapping[str, Node]) -> str:
    return "https" if "ssl" in given and given["ssl"].flag() else "http"


def _needs(given: Mapping[str, Node], runtime: str) -> str:
    if runtime:
        return f"runtime.{runtime} has no counterpart: istiod writes no routes that read it"
    for key, name in (("runtime", "runtime"), ("dynamicMetadata", "dynamic_metadata")):
        if given.get(key) is not None and given[key].value:
            return f"input.{name} has no counterpart: istiod writes no routes that read it"
    return ""


def _headers(given: Mapping[str, Node], keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for key in keys:
        for node in each(given.get(key), lambda node: node):
            pair = node.fields("key", "value")
            if "key" not in pair:
                raise node.wrong("no key")
            yield pair["key"].text(), pair["value"].text() if "value" in pair else ""


def _flags(given: Mapping[str, Node]) -> Iterator[tuple[str, str]]:
    if "internal" in given and given["internal"].flag():
        yield "x-envoy-internal", "true"


def _expectation(node: Node, answered: tuple[tuple[str, str], ...]) -> tuple[Expectation | None, str]:
    fields = node.fields(*_VALIDATE)
    expect = Expectation()
    skip = ""
    if "clusterName" in fields:
        expect, skip = _cluster(fields["clusterName"].text(), expect)
    if "virtualClusterName" in fields and fields["virtualClusterName"].text() not in ("", "other"):
        skip = skip or "istiod makes no virtual clusters"
    if "pathRedirect" in fields:
        expect = replace(expect, redirect=fields["pathRedirect"].text())
    if "codeRedirect" in fields:
        expect = replace(expect, status=fields["codeRedirect"].integer() or None)
    borrowed = Borrowed(
        virtual_host=fields["virtualHostName"].text() if "virtualHostName" in fields else None,
        target=fields["pathRewrite"].text() if "pathRewrite" in fields else None,
        request_headers=tuple(_matchers(fields, "request")),
        response_headers=tuple(_matchers(fields, "response")),
    )
    expect = replace(
        expect,
        authority=fields["hostRewrite"].text() if "hostRewrite" in fields else None,
        borrowed=replace(borrowed, answered=answered) if borrowed != Borrowed() else None,
    )
    return (expect if expect != Expectation() else None), skip


def _cluster(name: str, expect: Expectation) -> tuple[Expectation, str]:
    """Read the name of an Envoy cluster; an empty one means that the request has no route."""
    if not name:
        return replace(expect, absent=Expectation(disposition=_SENT)), ""
    if name == "PassthroughCluster":
        return replace(expect, disposition=(Disposition.PASSED_THROUGH.value,)), ""
    if name == "BlackHoleCluster":
        return replace(expect, disposition=(Disposition.BLACK_HOLE.value,)), ""
    cluster = ClusterName.parse(name)
    if cluster is None:
        return expect, f"{name} is not the name of a cluster of istiod's, which is outbound|PORT|SUBSET|HOST"
    wanted = Destination(service=cluster.host, subset=cluster.subset, port=cluster.port)
    return replace(expect, destination=wanted), ""


def _matchers(fields: Mapping[str, Node], part: str) -> Iterator[Json]:
    """Yield Envoy's HeaderMatchers for requests or responses."""
    for one in each(fields.get(_MATCHES[part]), lambda node: node):
        stated = one.camel().fields(*_HEADER_MATCH)
        if "name" not in stated:
            raise one.wrong("no name")
        found: Json = {_HEADER_MATCH[key]: value.value for key, value in stated.items()}
        if "presenceMatch" in stated:
            found["present_match"] = True
        if "stringMatch" in stated:
            kinds = stated["stringMatch"].camel().fields(*_STRING_MATCH)
            found["string_match"] = {_STRING_MATCH[key]: value.value for key, value in kinds.items()}
        yield found
    for key, value in _headers(fields, _FIELDS[part]):
        yield {"name": key, "string_match": {"exact": value}}
