"""Objects of Kubernetes' own kinds that the API server refuses although all fields exist: their parts contradict.

Kubernetes: pkg/apis/core/validation, pkg/apis/apps/validation, apimachinery's validation of names and labels. Missing
parts are not reported: a patch of kustomize rightly lacks most of its object.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from simulator.model.labels import label_selector_selects
from simulator.model.resources import Resource, field_path
from simulator.model.wire import Json
from simulator.validation.crd import Misfit
from simulator.validation.problems import Path

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_LABEL_KEY = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_PORT_WORDS = "lower-case letters, digits and single dashes, at most 15, one of them a letter"
_CLAIMS = "volumeClaimTemplates"
_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    **dict.fromkeys(("Deployment", "DaemonSet", "Job", "ReplicaSet", "StatefulSet"), ("spec", "template")),
}
_SELECTING = frozenset({"Deployment", "DaemonSet", "ReplicaSet", "StatefulSet"})
_GROUPS = frozenset({"", "apps", "batch"})


def contradictions(resource: Resource) -> Iterator[Misfit]:
    """Yield what the API server refuses in a resource that was read from a file."""
    yield from _labels(resource.document, ())
    if resource.group not in _GROUPS:
        return
    if resource.kind == "Service":
        yield from _malformed(resource.name, _LABEL, ("metadata", "name"), "lower-case letters, digits and dashes")
        yield from _service(resource.spec)
    elif resource.kind in _TEMPLATES:
        yield from _malformed(resource.name, _SUBDOMAIN, ("metadata", "name"), "lower-case letters, digits, - and .")
        path = _TEMPLATES[resource.kind]
        template = resource.get(*path) if path else resource.document
        if isinstance(template, dict):
            yield from _labels(template, path) if path else ()
            yield from _selector(resource, template) if resource.kind in _SELECTING else ()
            claims = [(each.get("metadata") or {}).get("name") for _, each in _mappings(resource.spec, _CLAIMS)]
            yield from _pod(template.get("spec") or {}, (*path, "spec"), claims)


def _labels(document: Json, path: Path) -> Iterator[Misfit]:
    metadata = document.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    for key, value in labels.items() if isinstance(labels, dict) else ():
        where = (*path, "metadata", "labels", key)
        form = "letters, digits, -, _ and ., at most 63"
        yield from _malformed(key, _LABEL_KEY, where, form)
        yield from _malformed(value, _LABEL_VALUE, where, form)


def _malformed(value: Any, form: re.Pattern[str], path: Path, words: str) -> Iterator[Misfit]:
    if isinstance(value, str) and not form.fullmatch(value):
        yield Misfit(path=path, text=f'{field_path(path)}: "{value}" is not made of {words}')


def _selector(resource: Resource, template: Json) -> Iterator[Misfit]:
    selector = resource.spec.get("selector")
    labels = (template.get("metadata") or {}).get("labels") or {}
    if selector and labels and not label_selector_selects(selector, labels):
        text = "spec.selector does not select the labels of the template, spec.template.metadata.labels"
        yield Misfit(path=("spec", "selector"), text=text)


def _service(spec: Json) -> Iterator[Misfit]:
    ports = _mappings(spec, "ports")
    path: Path = ("spec", "ports")
    for index, port in ports:
        if len(ports) > 1 and not port.get("name"):
            text = f"{field_path((*path, index))} has no name, which each of several ports needs"
            yield Misfit(path=(*path, index), text=text)
        if port.get("name"):
            yield from _malformed(port["name"], _LABEL, (*path, index, "name"), "lower-case letters, digits and dashes")
        yield from _malformed(port.get("targetPort"), _PORT_NAME, (*path, index, "targetPort"), _PORT_WORDS)
    yield from _twice(ports, path, "name", lambda port: port.get("name"))
    yield from _twice(ports, path, "port", lambda port: (port.get("port"), port.get("protocol") or "TCP"))


def _pod(spec: Json, path: Path, claims: Iterable[Any]) -> Iterator[Misfit]:
    known = {*claims, *(volume.get("name") for _, volume in _mappings(spec, "volumes"))}
    for field in ("initContainers", "containers"):
        containers = _mappings(spec, field)
        yield from _twice(containers, (*path, field), "name", lambda container: container.get("name"))
        for index, container in containers:
            where = (*path, field, index)
            yield from _malformed(container.get("name"), _LABEL, (*where, "name"), "lower-case letters, digits and -")
            ports = _mappings(container, "ports")
            for number, port in ports:
                yield from _malformed(port.get("name"), _PORT_NAME, (*where, "ports", number, "name"), _PORT_WORDS)
            yield from _twice(ports, (*where, "ports"), "name", lambda port: port.get("name"))
            if known and container.get("image"):
                yield from _unmounted(container, known, where)


def _unmounted(container: Json, known: set[Any], path: Path) -> Iterator[Misfit]:
    for number, mount in _mappings(container, "volumeMounts"):
        if mount.get("name") not in known:
            where = (*path, "volumeMounts", number, "name")
            yield Misfit(path=where, text=f'{field_path(where)}: the pod has no volume "{mount.get("name")}"')


def _mappings(parent: Json, field: str) -> list[tuple[int, Json]]:
    values = parent.get(field)
    return [(index, each) for index, each in enumerate(values) if isinstance(each, dict)] if values else []


def _twice(items: Iterable[tuple[int, Json]], path: Path, field: str, key: Callable[[Json], Any]) -> Iterator[Misfit]:
    """Yield the items whose key an earlier one has; empty keys are skipped."""
    seen: dict[Any, int] = {}
    for index, item in items:
        value = key(item)
        if value and seen.setdefault(value, index) != index:
            first = field_path((*path, seen[value]))
            where = (*path, index, field)
            yield Misfit(path=where, text=f"{field_path(where)} is that of {first}, too")
