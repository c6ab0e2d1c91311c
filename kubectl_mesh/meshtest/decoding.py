"""Text of a test file → suites. Unknown keys are errors with a line and a suggestion."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace

from kubectl_mesh.errors import InputError
from kubectl_mesh.meshtest.asking import mistakes
from kubectl_mesh.meshtest.expecting import read_expectation
from kubectl_mesh.meshtest.model import API_VERSION, KIND, Case, Expectation, Given, Invariant, RequestSpec, Suite
from kubectl_mesh.meshtest.nodes import Node, each
from simulator.model.errors import SimulatorError
from simulator.model.resources import Origin

_REQUEST = ("url", "method", "headers", "sourceIP", "sni", "tls", "random", "resolve")
_MATRIX = ("from", *_REQUEST)
_COVERAGE = ("routes", "authzRules")
_UNQUOTED = 1.3
"""The number that YAML reads for an unquoted version 1.30."""
_TLS = ("none", "simple", "mutual")


def read_suites(text: str, *, source: str) -> tuple[Suite, ...]:
    """Read every MeshTest document of a file; raises InputError, which names file and line."""
    return tuple(_suite(root, number) for number, root in enumerate(roots(text, source=source)))


def roots(text: str, *, source: str) -> Iterator[Node]:
    """Yield the documents of a YAML text as nodes."""
    from simulator.manifests.documents import documents

    try:
        found = list(documents([(source, text)], progress=None))
    except SimulatorError as error:
        raise InputError(str(error), hint=error.hint) from error
    for document in found:
        yield Node(value=document.value, origin=Origin(source=source, line=document.line, text=document.text))


def _suite(root: Node, number: int) -> Suite:
    fields = root.fields("apiVersion", "kind", "metadata", "spec")
    for key, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
        if key not in fields:
            raise root.wrong(f"no {key}", hint=f"a test file begins with {key}: {wanted}")
        fields[key].text(among=(wanted,))
    metadata = fields["metadata"].fields("name", "labels", "annotations") if "metadata" in fields else {}
    source = root.origin.source
    name = metadata["name"].text() if "name" in metadata else source
    if "spec" not in fields:
        raise root.wrong("no spec", hint="spec holds given, cases and invariants")
    spec = fields["spec"].fields("given", "defaults", "cases", "invariants", "coverage")
    defaults = _defaults(spec["defaults"]) if "defaults" in spec else {}
    cases = itertools.chain(*each(spec.get("cases"), lambda node: tuple(_cases(node, defaults))))
    return Suite(
        name=name,
        source=source,
        given=_given(spec["given"]) if "given" in spec else Given(),
        cases=tuple(replace(case, document=number) for case in cases),
        invariants=each(spec.get("invariants"), _invariant),
        coverage=_coverage(spec.get("coverage")),
    )


def _defaults(node: Node) -> Mapping[str, Node]:
    """Return the defaults of cases; mistakes in them are reported even where no case uses them."""
    fields = node.fields("from", "request", "expect")
    if "request" in fields:
        fields["request"].fields(*_REQUEST)
    if "expect" in fields:
        read_expectation(fields["expect"])
    return fields


def _given(node: Node) -> Given:
    fields = node.fields("manifests", "overlay", "inject", "bundle", "live", "istio", "creationOrder")
    istio = fields["istio"].fields("version", "meshConfig", "revision") if "istio" in fields else {}
    if "version" in istio and not istio["version"].text().startswith("1.30") and istio["version"].value != _UNQUOTED:
        raise istio["version"].wrong("only Istio 1.30 is simulated", hint='write version: "1.30"')
    given = Given(
        manifests=_texts(fields, "manifests"),
        overlay=_texts(fields, "overlay"),
        inject=_texts(fields, "inject"),
        bundle=_text(fields, "bundle"),
        live="live" in fields and fields["live"].flag(),
        mesh_config=_text(istio, "meshConfig"),
        revision=_text(istio, "revision"),
        creation_order=_order(fields.get("creationOrder")),
    )
    if sum(map(bool, (given.manifests, given.bundle, given.live))) > 1:
        raise node.wrong("manifests, bundle and live cannot be combined", hint="name one mesh; overlay adds to it")
    changes = [key for key in ("overlay", "inject") if key in fields]
    if changes and (given.bundle or given.live):
        raise fields[changes[0]].wrong("a recorded or live mesh cannot be changed", hint="use manifests")
    return given


def _order(node: Node | None) -> str | tuple[str, ...]:
    if node is None:
        return "undetermined"
    return node.texts() if isinstance(node.value, list) else node.text(among=("undetermined", "file", "bundle"))


def _coverage(node: Node | None) -> Mapping[str, float]:
    return {key: value.per_cent() for key, value in node.stated(*_COVERAGE).items()} if node is not None else {}


def _cases(node: Node, defaults: Mapping[str, Node]) -> Iterator[Case]:
    """Read a case, and yield it once for each combination of its matrix."""
    fields = node.fields("name", "from", "request", "matrix", "expect", "skip")
    if "expect" not in fields and "expect" not in defaults:
        raise node.wrong("no expect", hint="state what must hold, such as disposition: delivered")
    stated = fields.get("expect") or defaults["expect"]
    expect = read_expectation(stated)
    given = {key: value.value for part in (defaults.get("request"), fields.get("request")) if part is not None
             for key, value in part.fields(*_REQUEST).items()}  # fmt: skip
    base = Node(value=given, origin=node.origin, path=(*node.path, "request"))
    sender = fields.get("from") or defaults.get("from")
    name = fields["name"].text() if "name" in fields else node.name
    for choice in _combinations(fields.get("matrix")):
        chosen = Node(
            value=given | {k: v.value for k, v in choice.items() if k != "from"}, origin=base.origin, path=base.path
        )
        who = choice["from"].text() if "from" in choice else sender.text() if sender is not None else ""
        if not who:
            raise node.wrong("no from", hint="every case names who sends the request, or spec.defaults.from does")
        label = ", ".join(f"{key} {_shown(value.value)}" for key, value in choice.items())
        yield Case(
            name=f"{name} [{label}]" if label else name,
            sender=who,
            request=_request(chosen, node),
            expect=expect,
            position=node.position,
            skip=_text(fields, "skip"),
            expect_path=stated.path,
        )


def _shown(value: object) -> str:
    """Return a value of a matrix as it appears in the name of a case."""
    return ", ".join(f"{key}: {item}" for key, item in value.items()) if isinstance(value, dict) else str(value)


def _combinations(matrix: Node | None) -> Iterator[Mapping[str, Node]]:
    if matrix is None:
        yield {}
        return
    fields = matrix.fields(*_MATRIX)
    choices = [list(value.items()) for value in fields.values()]
    for key, values in zip(fields, choices, strict=True):
        if not values:
            raise fields[key].wrong("an empty list yields no case")
    for combination in itertools.product(*choices):
        yield dict(zip(fields, combination, strict=True))


def _request(node: Node, case: Node) -> RequestSpec:
    fields = node.fields(*_REQUEST)
    if "url" not in fields:
        raise case.wrong("no request.url", hint="write url: http://HOST[:PORT]/PATH")
    headers = fields["headers"].entries() if "headers" in fields else {}
    resolve = fields["resolve"].entries() if "resolve" in fields else {}
    spec = RequestSpec(
        url=fields["url"].text(),
        method=_text(fields, "method"),
        headers=tuple((key, text) for key, value in headers.items() for text in _values(value)),
        source_ip=_text(fields, "sourceIP"),
        sni=_text(fields, "sni"),
        tls=fields["tls"].text(among=_TLS) if "tls" in fields else "",
        random=fields["random"].number() if "random" in fields else None,
        resolve={key: value.text() for key, value in resolve.items()},
    )
    for key, problem, hint in mistakes(spec):
        raise fields[key].wrong(problem, hint=hint)
    return spec


def _invariant(node: Node) -> Invariant:
    fields = node.fields("name", "forall", "expect", "noFinding")
    if ("expect" in fields) == ("noFinding" in fields):
        raise node.wrong("either expect or noFinding is needed")
    quantified = fields["forall"].fields("from", "to") if "forall" in fields else {}
    expect: Expectation | None = read_expectation(fields["expect"]) if "expect" in fields else None
    return Invariant(
        name=fields["name"].text() if "name" in fields else node.name,
        position=node.position,
        sender=_text(quantified, "from") or "*/*",
        destination=_text(quantified, "to") or "*/*",
        expect=expect,
        no_finding=_codes(fields["noFinding"]) if "noFinding" in fields else (),
    )


def _codes(node: Node) -> tuple[str, ...]:
    """Read codes of findings, or their names."""
    from kubectl_mesh.analysis.messages import catalogue

    codes = {name: code for code, message in catalogue().items() for name in (code, message.name)}
    nodes = node.items() if isinstance(node.value, list) else [node]
    found = tuple(codes[each.text(among=codes.keys())] for each in nodes)
    if not found:
        raise node.wrong("an empty list checks nothing", hint="name codes of kubectl mesh analyze, such as KM0003")
    return found


def _values(node: Node) -> tuple[str, ...]:
    return node.texts() if isinstance(node.value, list) else (node.text(),)


def _text(fields: Mapping[str, Node], key: str) -> str:
    return fields[key].text() if key in fields else ""


def _texts(fields: Mapping[str, Node], key: str) -> tuple[str, ...]:
    return fields[key].texts() if key in fields else ()
