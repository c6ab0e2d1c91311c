"""Encodes objects and lists in the form that a request accepts."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from simulator.apiserver.keeper import Keeper
from simulator.apiserver.lists import Form, Page, as_served, listed, metadata_only
from simulator.apiserver.objects import Target
from simulator.apiserver.storage import Event
from simulator.apiserver.tables import columns_of, table
from simulator.apiserver.watches import Encode
from simulator.model.wire import Json


class Renderer:
    """Renders the objects of one target."""

    def __init__(
        self, keeper: Keeper, now: Callable[[], datetime], target: Target, form: Form, query: Mapping[str, str]
    ) -> None:
        self._keeper = keeper
        self._now = now
        self._target = target
        self._form = form
        self._include = query.get("includeObject", "Metadata")

    def one(self, document: Json) -> Json:
        """Return one object."""
        if document.get("kind") != self._target.type.kind.name:
            return document
        if self._form is Form.TABLE:
            return self._table([document], {"resourceVersion": document["metadata"].get("resourceVersion", "")})
        if self._form is Form.METADATA:
            return metadata_only(document)
        return as_served(document, self._target.api_version)

    def page(self, page: Page) -> Json:
        """Return a page of a list."""
        if self._form is Form.TABLE:
            return self._table(page.documents, page.metadata())
        return listed(self._target.type, self._target.api_version, page, self._form)

    def bookmark(self) -> Json:
        """Return the metadata that identifies the object of a bookmark."""
        if self._form is Form.TABLE:
            return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "columnDefinitions": [], "rows": []}
        if self._form is Form.METADATA:
            return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        return {"kind": self._target.type.kind.name, "apiVersion": self._target.api_version}

    def encoder(self) -> Encode:
        """Return the encoder of a watch. Lines that do not depend on the time are encoded once for all watchers."""

        def encode(event: Event, seen: str, document: Json) -> bytes:
            if self._form is Form.TABLE:
                return _line(
                    seen, self._table([document], {"resourceVersion": document["metadata"]["resourceVersion"]})
                )
            key = (seen, self._form, self._target.version)
            if key not in event.renderings:
                event.renderings[key] = _line(seen, self.one(document))
            return event.renderings[key]

        return encode

    def _table(self, documents: Sequence[Json], metadata: Json) -> Json:
        each = self._target.type
        columns = columns_of(each, self._target.version, self._keeper.definition(each))
        return table(
            columns,
            documents,
            metadata=metadata,
            now=self._now(),
            include=self._include,
            api_version=self._target.api_version,
        )


def encoded(document: Json) -> bytes:
    """Return a document as the body of an answer."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _line(seen: str, document: Json) -> bytes:
    return encoded({"type": seen, "object": document})
