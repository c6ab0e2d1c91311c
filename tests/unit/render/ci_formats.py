"""What SARIF 2.1.0 and JUnit XML ask of the parts that this program writes, in the tests' own words.

SARIF: the OASIS standard, sections 3.13 to 3.49. An object of the standard may have no other property than those it
defines, so the schema below is closed: whatever it takes, the standard's own schema takes too. JUnit XML has no
standard; this is what readers agree on (the guide of testmoapp/junitxml, and the schemas of Jenkins and Surefire).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

Json = dict[str, Any]
_TEXT = {"type": "string", "minLength": 1}


def _object(required: Mapping[str, Any] = {}, **optional: Any) -> Json:
    properties = {**required, **optional}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _list(item: Any, *, least: int = 0) -> Json:
    return {"type": "array", "items": item, "minItems": least, "uniqueItems": True}


_MESSAGE = _object({"text": _TEXT})
_PHYSICAL = _object(
    {"artifactLocation": _object({"uri": {"type": "string", "pattern": r"^[!#-;=?-Z_a-z~%\[\]]+$"}})},
    region=_object({"startLine": {"type": "integer", "minimum": 1}}),
)
_LOGICAL = _object({"fullyQualifiedName": _TEXT}, kind=_TEXT)
_LOCATION = _object(
    {},
    id={"type": "integer", "minimum": -1},
    physicalLocation=_PHYSICAL,
    logicalLocations=_list(_LOGICAL),
    message=_MESSAGE,
)
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_RULE = _object(
    {"id": _TEXT},
    name=_TEXT,
    shortDescription=_MESSAGE,
    help=_MESSAGE,
    helpUri={"type": "string", "format": "uri"},
    defaultConfiguration=_object({}, level=_LEVEL),
)
_FLOW = _object({"threadFlows": _list(_object({"locations": {**_list(_object({}, location=_LOCATION), least=1),
                                                             "uniqueItems": False}}), least=1)})  # fmt: skip
_RESULT = _object(
    {"message": _MESSAGE},
    ruleId=_TEXT,
    ruleIndex={"type": "integer", "minimum": -1},
    level=_LEVEL,
    locations=_list(_LOCATION),
    relatedLocations=_list(_LOCATION),
    codeFlows=_list(_FLOW),
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
    baselineState={"enum": ["new", "unchanged", "updated", "absent"]},
)
_VERSION = {"type": "string", "pattern": r"^\d+\.\d+\.\d+"}
_DRIVER = _object({"name": _TEXT}, version=_TEXT, semanticVersion=_VERSION, rules=_list(_RULE))
_RUN = _object(
    {"tool": _object({"driver": _DRIVER})},
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": _RESULT, "maxItems": 25_000},
)
SARIF = _object(
    {"version": {"const": "2.1.0"}, "runs": _list(_RUN)}, **{"$schema": {"type": "string", "format": "uri"}}
)
"""A JSON schema that is narrower than the standard's."""

_COUNT, _SECONDS, _ANY = r"\d+", r"\d+(\.\d+)?", r"(?s).*"
_COUNTS = {"tests": _COUNT, "failures": _COUNT, "errors": _COUNT, "skipped": _COUNT, "time": _SECONDS}
_ENDING = {"message": _ANY, "type": _ANY}
_ATTRIBUTES = {
    "testsuites": {"name": _ANY} | _COUNTS,
    "testsuite": {"name": r"(?s).+"} | _COUNTS,
    "testcase": {"name": r"(?s).+", "classname": r"(?s).+", "time": _SECONDS, "file": r".+", "line": r"[1-9]\d*"},
    "failure": _ENDING,
    "error": _ENDING,
    "skipped": {"message": _ANY},
    "system-out": {},
}
_NEEDED = {"testsuites": {"tests"}, "testsuite": {"name", "tests", "failures", "errors", "skipped"},
           "testcase": {"name", "classname", "time"}}  # fmt: skip
_CHILDREN = {
    "testsuites": r"(testsuite )*",
    "testsuite": r"(testcase )*",
    "testcase": r"((failure|error|skipped) )?(system-out )?",
}


def junit_mistakes(root: Element) -> Iterator[str]:
    """Yield what readers of JUnit XML would stumble over: elements, their order, attributes, counts."""
    if root.tag != "testsuites":
        yield f"the root is {root.tag}"
    for element in root.iter():
        known = _ATTRIBUTES.get(element.tag)
        if known is None:
            yield f"unknown element {element.tag}"
            continue
        yield from (f"{element.tag} lacks {name}" for name in _NEEDED.get(element.tag, set()) - set(element.keys()))
        for name, value in element.items():
            if not re.fullmatch(known.get(name, "(?!)"), value):
                yield f"{element.tag} {name}={value!r}"
        children = "".join(f"{child.tag} " for child in element)
        if not re.fullmatch(_CHILDREN.get(element.tag, ""), children):
            yield f"{element.tag} holds {children}"
    for holder in (root, *root.findall("testsuite")):
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            if int(holder.get(attribute, "0")) != len(holder.findall(f".//testcase/{tag}")):
                yield f"{holder.tag} counts {attribute} wrongly"
        if int(holder.get("tests", "0")) != len(holder.findall(".//testcase")):
            yield f"{holder.tag} counts tests wrongly"
