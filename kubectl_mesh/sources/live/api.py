"""Requests to an API server: single objects, lists in pages, and changes."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from kubectl_mesh.errors import SourceError
from kubectl_mesh.sources.live.credentials import Access
from kubectl_mesh.sources.live.failures import Gone, refused, unreachable
from simulator.model.wire import Json

PAGE = 500
_log = logging.getLogger("kubectl_mesh.api")
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
CONNECTIONS = 16


class ApiServer:
    """One API server, asked by several threads at once."""

    def __init__(self, access: Access) -> None:
        import urllib3
        from kubernetes.client.rest import RESTClientObject

        if not access.configuration.verify_ssl:  # the user asked for it: no warning on every request
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self.access = access
        self.host = str(access.configuration.host).rstrip("/")
        access.configuration.connection_pool_maxsize = CONNECTIONS
        self._pool: Any = RESTClientObject(access.configuration).pool_manager

    def get(self, path: str, query: Mapping[str, str] | None = None, *, accept: str = "application/json") -> Json:
        """Return the document at a path. Raises SourceError or NothingFound."""
        data = self._request(path, query or {}, accept)
        try:
            document = json.loads(data)
        except ValueError as error:
            raise SourceError(f"{self.host}{path}: not an answer of an API server") from error
        if not isinstance(document, dict):
            raise SourceError(f"{self.host}{path}: not an answer of an API server")
        return document

    def pages(
        self, path: str, query: Mapping[str, str], *, accept: str = "application/json"
    ) -> Iterator[Sequence[Json]]:
        """Walk the pages of a list; a list that expires under way is read anew in one."""
        token = ""
        while True:
            paged = dict(query) | {"limit": str(PAGE)} | ({"continue": token} if token else {})
            try:
                document = self.get(path, paged, accept=accept)
            except Gone:
                yield from self._again(path, query, accept)
                return
            yield _items(document)
            token = (document.get("metadata") or {}).get("continue") or ""
            if not token:
                return

    def _again(self, path: str, query: Mapping[str, str], accept: str) -> Iterator[Sequence[Json]]:
        yield _Restart(_items(self.get(path, query, accept=accept)))

    def list(
        self, path: str, query: Mapping[str, str] | None = None, *, accept: str = "application/json"
    ) -> list[Json]:
        """Return all items of a list, each with the kind and version that the list has."""
        found: list[Json] = []
        for page in self.pages(path, query or {}, accept=accept):
            if isinstance(page, _Restart):
                found.clear()
            found.extend(page)
        return found

    def send(self, method: str, path: str, document: Json | None, *, content: str = "application/json") -> Json:
        """Send a document, where there is one, and return the answer. Raises SourceError or NothingFound."""
        accept = "application/json"
        data = self._request(path, {}, accept, method=method, document=document, content=content)
        found: Json = json.loads(data)
        return found

    def text(self, path: str, query: Mapping[str, str]) -> bytes:
        """Return a body that is not JSON, such as a log. Raises SourceError or NothingFound."""
        return self._request(path, query, "*/*")

    def _request(
        self,
        path: str,
        query: Mapping[str, str],
        accept: str,
        *,
        method: str = "GET",
        document: Json | None = None,
        content: str = "application/json",
    ) -> bytes:
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        url = f"{self.host}{path}" + (f"?{urlencode(query)}" if query else "")
        timeout = Timeout(total=self.access.timeout) if self.access.timeout else None
        body = None if document is None else json.dumps(document).encode()
        headers = {"Accept": accept} | ({"Content-Type": content} if body else {})
        try:
            response = self._pool.request(
                method, url, body=body, headers=self.headers() | headers, timeout=timeout, retries=False
            )
        except (HTTPError, OSError) as error:
            raise unreachable(error, host=self.host) from error
        _log.debug("%s %s: %d, %d bytes", method, url, response.status, len(response.data))
        if response.status not in (200, 201):
            raise refused(response.status, response.data, what=path)
        data: bytes = response.data
        return data

    def headers(self) -> dict[str, str]:
        """Return the headers of a request; those that repeat (groups) are joined by the transport."""
        from urllib3 import HTTPHeaderDict

        found: Any = HTTPHeaderDict(self.access.headers())
        for name, value in self.access.impersonation:
            found.add(name, value)
        found["User-Agent"] = "kubectl-mesh"
        headers: dict[str, str] = found
        return headers


class _Restart(tuple[Json, ...]):
    """A page that replaces all before it."""

    __slots__ = ()


def _items(document: Json) -> list[Json]:
    kind = str(document.get("kind", "")).removesuffix("List")
    version = document.get("apiVersion", "")
    items = document.get("items") or ()
    return [{"apiVersion": version, "kind": kind} | item for item in items if isinstance(item, dict)]
