"""Revisions of Deployments for `kubectl rollout`: each earlier template is kept as a ReplicaSet without pods.

The ReplicaSet in use is named after the Deployment's identity, whatever its template; earlier ones are named after
their templates. Those are visible through the API only, and nothing is derived from them.
Kubernetes: pkg/controller/deployment/util/deployment_util.go.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator.apiserver.storage import Key, ObjectStore
from simulator.manifests.identity import suffix
from simulator.manifests.workloads import HASH_LABEL
from simulator.model.wire import Json

REPLICA_SETS = "replicasets.apps"
ANNOTATION = "deployment.kubernetes.io/revision"


@dataclass(slots=True)
class _History:
    """The revision number of a ReplicaSet in use, and its template without the hash label."""

    number: int
    template: Json = field(repr=False)


class Revisions:
    """Numbers the templates of Deployments in the order of their appearance."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._histories: dict[Key, _History] = {}

    def numbered(self, key: Key, document: Json) -> Json:
        """Return a ReplicaSet with the number of its revision; store the one that it replaces under another name."""
        owner = _deployment(document)
        if owner is None:
            return document
        template, history = _plain(document), self._histories.get(key)
        if history is None or self._store.get(key) is None:
            history = self._histories[key] = _History(1, template)
        elif _text(history.template) != _text(template):
            self._keep(key, document, history, owner)
            self._store.delete(_aside(key, template, owner))  # a template that returns becomes the newest revision
            history.number, history.template = history.number + 1, template
        return _annotated(document, history.number)

    def of_deployment(self, document: Json) -> Json:
        """Return a Deployment with the number of its newest revision."""
        metadata = document["metadata"]
        newest = max(self._numbers(metadata.get("namespace", ""), metadata["name"]), default=0)
        return _annotated(document, newest) if newest else document

    def _numbers(self, namespace: str, name: str) -> Iterator[int]:
        for key, history in self._histories.items():
            stored = self._store.get(key) if key.namespace == namespace else None
            if stored is not None and _deployment(stored) == name:
                yield history.number

    def _keep(self, key: Key, document: Json, history: _History, owner: str) -> None:
        aside = _aside(key, history.template, owner)
        digest = aside.name.removeprefix(f"{owner}-")
        template = history.template
        metadata = template.get("metadata") or {}
        labels = (metadata.get("labels") or {}) | {HASH_LABEL: digest}
        kept = {
            "apiVersion": document["apiVersion"],
            "kind": document["kind"],
            "metadata": {
                "name": aside.name,
                "namespace": aside.namespace,
                "labels": labels,
                "ownerReferences": document["metadata"]["ownerReferences"],
            },
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": labels},
                "template": template | {"metadata": metadata | {"labels": labels}},
            },
            "status": {"replicas": 0},
        }
        self._store.put(aside, _annotated(kept, history.number))


def _deployment(document: Json) -> str | None:
    for reference in document["metadata"].get("ownerReferences") or ():
        if reference.get("kind") == "Deployment":
            return str(reference.get("name"))
    return None


def _plain(document: Json) -> Json:
    template: Json = (document.get("spec") or {}).get("template") or {}
    metadata = template.get("metadata") or {}
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name != HASH_LABEL}
    return template | {"metadata": metadata | {"labels": labels}}


def _aside(key: Key, template: Json, owner: str) -> Key:
    return key._replace(name=f"{owner}-{suffix(10, 'template', key.namespace, owner, _text(template))}")


def _text(template: Json) -> str:
    """Return a text by which templates are compared: zero values, which some clients write out, do not count."""
    return json.dumps(_pruned(template), sort_keys=True, default=str)


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        pruned = {name: _pruned(inner) for name, inner in value.items()}
        return {name: inner for name, inner in pruned.items() if inner not in (None, "", 0, False, {}, [])}
    return [_pruned(each) for each in value] if isinstance(value, list) else value


def _annotated(document: Json, number: int) -> Json:
    metadata = document["metadata"]
    annotations = (metadata.get("annotations") or {}) | {ANNOTATION: str(number)}
    return document | {"metadata": metadata | {"annotations": annotations}}
