"""Remarks as SARIF 2.1.0, which code scanning services read.

GitHub takes 25,000 results of a run and 1,000 locations of a result; a file that exceeds them is refused as a whole.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from kubectl_mesh.reports.annotated import Place, Remark, Rule
from simulator.model.wire import Json

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_STATES = {"introduced": "new", "unchanged": "unchanged", "fixed": "absent"}
_MOST_RESULTS = 25_000
_MOST_PLACES = 1_000


def render(remarks: Sequence[Remark], *, tool: str, version: str, rules: Iterable[Rule] = ()) -> str:
    """Return a SARIF document; `rules` are listed beside those that remarks name."""
    known = {rule.id: rule for rule in (*rules, *(remark.rule for remark in remarks))}
    numbers = {name: number for number, name in enumerate(sorted(known))}
    driver = {
        "name": tool,
        "version": version,
        "semanticVersion": version,
        "rules": [_rule(known[name]) for name in sorted(known)],
    }
    results = [_result(remark, numbers[remark.rule.id]) for remark in remarks[:_MOST_RESULTS]]
    run: Json = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: Rule) -> Json:
    shown: Json = {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.summary or rule.name},
        "defaultConfiguration": {"level": rule.severity.value},
    }
    if rule.help:
        shown["help"] = {"text": rule.help}
    if rule.url:
        shown["helpUri"] = rule.url
    return shown


def _result(remark: Remark, number: int) -> Json:
    result: Json = {
        "ruleId": remark.rule.id,
        "ruleIndex": number,
        "level": remark.severity.value,
        "message": {"text": f"{remark.subject}: {remark.message}" if remark.subject else remark.message},
        "locations": [_location(remark.place, remark.subject)],
        "partialFingerprints": {"object/v1": _fingerprint(remark)},
    }
    if remark.related:
        result["relatedLocations"] = [
            {"id": index, **_location(place, place.text), "message": {"text": place.text}}
            for index, place in enumerate(remark.related[:_MOST_PLACES])
        ]
    if remark.flow:
        steps = [{"location": {**_location(place, ""), "message": {"text": place.text}}} for place in remark.flow]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps[:_MOST_PLACES]}]}]
    if remark.change:
        result["baselineState"] = _STATES[remark.change]
    return result


def _location(place: Place, subject: str) -> Json:
    location: Json = {}
    if place.file:
        physical: Json = {"artifactLocation": {"uri": _uri(place.file)}}
        if place.line:
            physical["region"] = {"startLine": place.line}
        location["physicalLocation"] = physical
    if subject:
        location["logicalLocations"] = [{"fullyQualifiedName": subject, "kind": "object"}]
    return location


def _uri(file: str) -> str:
    path = file.replace("\\", "/").removeprefix("./")
    return f"file://{quote(path)}" if path.startswith("/") else quote(path)


def _fingerprint(remark: Remark) -> str:
    """Identify a remark by what it is about, so that it stays the same when lines move."""
    words = "\n".join((remark.rule.id, *((remark.identity,) if remark.identity else (remark.subject, remark.message))))
    return hashlib.sha256(words.encode()).hexdigest()[:32]
