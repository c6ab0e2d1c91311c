"""Lists: selection, pages, and the three forms of a list (objects, metadata only, a table).

All pages of a list show the state at its first page: the selection is kept for a while under the `continue` token.
Kubernetes: docs/reference/using-api/api-concepts.md.
"""

import base64
import binascii
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from simulator.apiserver import events
from simulator.apiserver.catalog import ResourceType
from simulator.apiserver.fields import selection
from simulator.apiserver.statuses import StatusError, bad_request, expired
from simulator.apiserver.storage import ObjectStore
from simulator.model.wire import Json

KEPT_PAGINGS = 256


class Form(Enum):
    """How objects are represented."""

    OBJECT = "object"
    METADATA = "PartialObjectMetadata"
    TABLE = "Table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Part of a list. `remaining` counts the objects that follow it; None when there are none."""

    documents: Sequence[Json]
    revision: int
    token: str = ""
    remaining: int | None = None

    def metadata(self) -> Json:
        """Return the ListMeta."""
        found: Json = {"resourceVersion": str(self.revision)}
        if self.token:
            found |= {"continue": self.token, "remainingItemCount": self.remaining}
        return found


class Lister:
    """Reads lists from a store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._pagings: OrderedDict[str, tuple[int, Sequence[Json]]] = OrderedDict()
        self._count = 0

    def page(self, each: ResourceType, namespace: str | None, query: Mapping[str, str]) -> Page:
        """Return the page that a query asks for. Raises StatusError for a query that cannot be read."""
        limit = whole_number(query, "limit")
        if query.get("continue"):
            return self._continue(query["continue"], limit)
        _check_version(query, self._store.revision)
        test = selection(each, query)
        found = [document for _, document in self._store.list(each.id, namespace) if test is None or test(document)]
        if not limit or len(found) <= limit:
            return Page(documents=found, revision=self._store.revision)
        self._count += 1
        name = str(self._count)
        self._pagings[name] = (self._store.revision, found)
        while len(self._pagings) > KEPT_PAGINGS:
            self._pagings.popitem(last=False)
        return self._cut(name, 0, limit)

    def _continue(self, token: str, limit: int) -> Page:
        try:
            read = json.loads(base64.urlsafe_b64decode(token))
            name, start = str(read["list"]), int(read["start"])
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise bad_request("continue key is not valid: illegal base64 data") from None
        if name not in self._pagings:
            raise expired(
                "The provided continue parameter is too old to display a consistent list result. "
                "You must start a new list without the continue parameter."
            )
        return self._cut(name, start, limit)

    def _cut(self, name: str, start: int, limit: int) -> Page:
        revision, found = self._pagings[name]
        end = start + limit if limit else len(found)
        if end >= len(found):
            return Page(documents=found[start:], revision=revision)
        token = base64.urlsafe_b64encode(json.dumps({"list": name, "start": end}).encode()).decode()
        return Page(documents=found[start:end], revision=revision, token=token, remaining=len(found) - end)


def whole_number(query: Mapping[str, str], name: str) -> int:
    """Read a number of a query, 0 when it is absent. Raises StatusError for anything else."""
    text = query.get(name, "")
    if not text:
        return 0
    if not text.isdecimal() or len(text) > 18:
        raise bad_request(f'invalid value for {name}: "{text}"')
    return int(text)


def _check_version(query: Mapping[str, str], present: int) -> None:
    match, wanted = query.get("resourceVersionMatch", ""), whole_number(query, "resourceVersion")
    if match and match not in ("Exact", "NotOlderThan"):
        raise bad_request(f'resourceVersionMatch: Unsupported value: "{match}"')
    if match and not query.get("resourceVersion"):
        raise bad_request("resourceVersionMatch is forbidden unless resourceVersion is provided")
    if wanted > present:
        raise too_new(wanted, present)
    if match == "Exact" and wanted != present:
        raise expired(f"The resourceVersion for the provided list is too old: {wanted}")


def too_new(wanted: int, present: int) -> StatusError:
    """Return 504 for a version that has not been reached yet."""
    return StatusError(
        code=504,
        reason="Timeout",
        message=f"Timeout: Too large resource version: {wanted}, current: {present}",
        details={
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        },
    )


def as_served(document: Json, api_version: str) -> Json:
    """Return a document in the version asked for."""
    if api_version.startswith(events.GROUP):
        return events.from_core(document, api_version)
    return document if document.get("apiVersion") == api_version else document | {"apiVersion": api_version}


def metadata_only(document: Json) -> Json:
    """Return the PartialObjectMetadata of a document."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": document["metadata"]}


def listed(each: ResourceType, api_version: str, page: Page, form: Form) -> Json:
    """Return a list as an object, or as metadata only."""
    if form is Form.METADATA:
        items = [metadata_only(document) for document in page.documents]
        head: Json = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
    else:
        items = [as_served(document, api_version) for document in page.documents]
        head = {"kind": f"{each.kind.name}List", "apiVersion": api_version}
    return head | {"metadata": page.metadata(), "items": items}
