"""Writes `kubernetes_fields.json` from the models of the `kubernetes` package, when it is run as a module.

The models are made from the API server's own OpenAPI document, so their names and fields are its.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import kubernetes.client
from kubernetes.client import models

import kubectl_mesh.analysis
from simulator.manifests.kinds import kinds
from simulator.model.wire import Json

FILE = Path(kubectl_mesh.analysis.__file__).with_name("kubernetes_fields.json")
_MODEL = re.compile(r"(?:List\[)?(\w+)\]?\Z")
_LEFT_OUT = frozenset({"CustomResourceDefinition", "Event"})
"""The schemas of the first are long, and another's work; nobody writes the second."""


def table() -> Json:
    """Return the table for the package that is installed."""
    maker = _Maker()
    found = {key: maker.part(model) for key, model in _kinds()}
    metadata = maker.part("V1ObjectMeta")
    return {"version": kubernetes.client.__version__, "kinds": found, "metadata": metadata, "parts": maker.parts}


def _kinds() -> Iterator[tuple[str, str]]:
    for kind in kinds().values():
        for version in kind.versions:
            name = f"{version.capitalize()}{kind.name}"
            if _is_builtin(kind.group) and kind.name not in _LEFT_OUT and hasattr(models, name):
                yield f"{kind.group}/{version}/{kind.name}".removeprefix("/"), name


def _is_builtin(group: str) -> bool:
    return "." not in group or (group.endswith(".k8s.io") and not group.startswith("gateway."))


class _Maker:
    """Numbers types as they are met, so that one that contains itself has an end."""

    def __init__(self) -> None:
        self.parts: list[Json] = []
        self.numbers: dict[str, int] = {}

    def part(self, model: str) -> int:
        """Return the number of a type's part."""
        if model not in self.numbers:
            self.numbers[model] = len(self.parts)
            part: Json = {}
            self.parts.append(part)
            part.update(self._fields(getattr(models, model)))
        return self.numbers[model]

    def _fields(self, model: type[models.V1Pod]) -> Json:
        inner: dict[str, int] = {}
        for attribute, text in model.openapi_types.items():
            match = _MODEL.match(text)
            if match is not None and hasattr(models, match[1]):
                inner[model.attribute_map[attribute]] = self.part(match[1])
        fields = " ".join(sorted(model.attribute_map.values()))
        return {"fields": fields, "inner": dict(sorted(inner.items()))} if inner else {"fields": fields}


if __name__ == "__main__":
    FILE.write_text(json.dumps(table(), separators=(",", ":")).replace("},{", "},\n{") + "\n", encoding="utf-8")
