"""HTTP requests → answers of the cluster."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from simulator.apiserver import fault_pages, openapi, scaffold, watches
from simulator.apiserver.authorization import Attributes, User, denial
from simulator.apiserver.catalog import REVIEWS
from simulator.apiserver.gate import OPEN_PATHS, check_origin, user_of
from simulator.apiserver.keeper import DEFINITIONS
from simulator.apiserver.logs import log_text
from simulator.apiserver.ports import PodRequest, Refused
from simulator.apiserver.protobuf import CONTENT_TYPE, decode_body
from simulator.apiserver.rendering import Renderer, encoded
from simulator.apiserver.requests import ResourceRequest, accepted_form, resource_request
from simulator.apiserver.services import Cluster
from simulator.apiserver.statuses import (
    StatusError,
    bad_request,
    internal,
    method_not_allowed,
    no_such_path,
    not_found,
    too_large,
)
from simulator.apiserver.streams import StreamRequest, check, serve_websocket
from simulator.apiserver.truncation import truncated
from simulator.model.wire import Json

if TYPE_CHECKING:
    from aiohttp import web

_LOG = logging.getLogger(__name__)
_YAML = frozenset({"application/yaml", "application/apply-patch+yaml"})


class Handlers:
    """Answers HTTP requests."""

    def __init__(self, cluster: Cluster, *, server: str) -> None:
        self._cluster = cluster
        self._server = server

    async def __call__(self, request: "web.BaseRequest") -> "web.StreamResponse":
        """Answer a request; errors become a Status."""
        from aiohttp import web

        try:
            check_origin(request.headers)
            groups = request.headers.getall("Impersonate-Group", [])
            user = user_of(self._cluster.tokens, request.headers, groups, request.path)
            if fault_pages.is_control(request.path):
                return await self._control(request, user)
            await asyncio.sleep(self._cluster.faults.api_delay)
            return await self._route(request, user)
        except StatusError as error:
            return _json(error.document(), status=error.code)
        except web.HTTPRequestEntityTooLarge:
            return _json(too_large().document(), status=413)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:
            _LOG.error("%s %s: %r", request.method, request.path, error, exc_info=_LOG.isEnabledFor(logging.DEBUG))
            return _json(internal(str(error) or type(error).__name__).document(), status=500)

    async def _route(self, http: "web.BaseRequest", user: User) -> "web.StreamResponse":
        from aiohttp import web

        query = dict(parse_qsl(http.query_string, keep_blank_values=True))
        wanted = resource_request(self._cluster.keeper.catalog, http.method, http.path, query)
        if wanted is None:
            return self._scaffold(http, user)
        self._cluster.authorizer.require(user, wanted.attributes)
        target = wanted.target
        if target.type.kind.name in REVIEWS:
            if wanted.verb != "create":
                raise method_not_allowed()
            return _json(self._cluster.reviews.create(target, await _body(http), user), status=201)
        if target.subresource == "token":
            if wanted.verb != "create":
                raise method_not_allowed()
            return _json(self._cluster.tokens.request(target, await _body(http)), status=201)
        if target.type.id == "pods" and target.subresource in ("portforward", "exec", "log", "proxy", "eviction"):
            return await self._pod(http, wanted, query)
        try:
            answer = await self._object(http, wanted, query)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            if wanted.verb not in ("create", "update", "patch"):
                raise
            kind = target.type.kind.name
            words = f"{kind} in version {target.version!r} cannot be handled as a {kind}: {error}"
            raise bad_request(words) from error
        if isinstance(answer, web.Response) and self._cluster.faults.truncates(wanted.attributes.full_resource):
            return await truncated(http, answer)
        return answer

    async def _control(self, http: "web.BaseRequest", user: User) -> "web.StreamResponse":
        body = await _body(http, empty=True)
        found = await fault_pages.answer(self._cluster, user, method=http.method, path=http.path, body=body)
        return _json(found, status=201 if http.method == "POST" else 200)

    async def _object(
        self, http: "web.BaseRequest", wanted: ResourceRequest, query: Mapping[str, str]
    ) -> "web.StreamResponse":
        target, emulator = wanted.target, self._cluster.emulator
        if not target.name and wanted.verb in ("update", "patch"):
            raise method_not_allowed()
        form = accepted_form(http.headers.get("Accept", "*/*"))
        renderer = Renderer(self._cluster.keeper, self._cluster.now, target, form, query)
        match wanted.verb:
            case "watch":
                return await self._watch(http, wanted, query, renderer)
            case "list":
                return _json(renderer.page(emulator.lister.page(target.type, target.scope, query)))
            case "get":
                return _json(renderer.one(emulator.get(target)))
            case "create":
                if target.name:
                    raise method_not_allowed()
                return self._written(renderer.one(emulator.create(target, await _body(http), query)), status=201)
            case "update":
                return self._written(renderer.one(emulator.update(target, await _body(http), query)))
            case "patch":
                body, kind = await _body(http), http.content_type
                created = emulator.store.get(target.key) is None
                changed = renderer.one(emulator.patch(target, kind, body, query))
                return self._written(changed, status=201 if created else 200)
            case "delete":
                return _json(renderer.one(emulator.delete(target, await _body(http, empty=True), query)))
        deleted = emulator.delete_collection(target, await _body(http, empty=True), query)
        metadata = {"resourceVersion": str(emulator.store.revision)}
        head: Json = {"kind": f"{target.type.kind.name}List", "apiVersion": target.api_version, "metadata": metadata}
        return _json(head | {"items": deleted})

    def _written(self, document: Json, *, status: int = 200) -> "web.Response":
        """Answer a write with the object, and with Warning headers, which kubectl prints."""
        response = _json(document, status=status)
        warnings, self._cluster.emulator.warnings = self._cluster.emulator.warnings, []
        for each in warnings:
            quoted = " ".join(each.split()).replace("\\", "\\\\").replace('"', '\\"')
            response.headers.add("Warning", f'299 - "{quoted}"')
        return response

    async def _watch(
        self, http: "web.BaseRequest", wanted: ResourceRequest, query: Mapping[str, str], renderer: Renderer
    ) -> "web.StreamResponse":
        from aiohttp import web

        query = dict(query)
        if wanted.target.name:
            query["fieldSelector"] = f"metadata.name={wanted.target.name}"
        request = watches.parse(wanted.target.type, wanted.target.scope, query)
        response = web.StreamResponse(
            headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
        )
        response.enable_chunked_encoding()
        await response.prepare(http)
        events = watches.stream(self._cluster.emulator.store, request, renderer.encoder(), renderer.bookmark())
        with contextlib.suppress(ConnectionError):
            async for chunk in events:
                await response.write(chunk)
            await response.write_eof()
        return response

    async def _pod(
        self, http: "web.BaseRequest", wanted: ResourceRequest, query: Mapping[str, str]
    ) -> "web.StreamResponse":
        target = wanted.target
        if target.subresource == "eviction":
            self._cluster.emulator.delete(target, {}, query)
            return _json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}, status=201)
        if target.subresource == "proxy":
            return await self._proxy(http, wanted)
        pod = self._present_pod(wanted)
        if target.subresource == "log":
            return await self._log(http, pod, query)
        request = stream_request(pod, wanted, http.query_string)
        check(request)
        if http.headers.get("Upgrade", "").lower() != "websocket":
            raise bad_request("Upgrade request required")
        return await serve_websocket(self._cluster, http, request)

    def _present_pod(self, wanted: ResourceRequest) -> Json:
        pod = self._cluster.emulator.store.get(wanted.target.key)
        if pod is None:
            raise not_found("pods", "", wanted.target.name)
        return pod

    async def _log(self, http: "web.BaseRequest", pod: Json, query: Mapping[str, str]) -> "web.StreamResponse":
        from aiohttp import web

        text = log_text(pod, query)
        if query.get("follow") not in ("true", "1"):
            return web.Response(text=text, content_type="text/plain")
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_chunked_encoding()
        await response.prepare(http)
        with contextlib.suppress(ConnectionError):
            await response.write(text.encode())
            await asyncio.sleep(3600)
        return response

    async def _proxy(self, http: "web.BaseRequest", wanted: ResourceRequest) -> "web.StreamResponse":
        from aiohttp import web

        name, _, port = wanted.target.name.partition(":")
        pod = self._cluster.emulator.store.get(wanted.target.key._replace(name=name))
        if pod is None:
            raise not_found("pods", "", name)
        number = int(port) if port.isdecimal() else 80
        query = f"?{http.query_string}" if http.query_string else ""
        body = await http.read()
        request = PodRequest(pod=pod, port=number, method=http.method, target=f"/{wanted.rest}{query}", body=body)
        try:
            page = await self._cluster.ports.request(request)
        except Refused as refused:
            raise StatusError(code=503, reason="ServiceUnavailable", message=str(refused)) from None
        headers = dict(page.headers) | {"Content-Type": page.content_type}
        return web.Response(status=page.status, body=page.body, headers=headers)

    def _scaffold(self, http: "web.BaseRequest", user: User) -> "web.StreamResponse":
        path = "/" + http.path.strip("/")
        if path not in OPEN_PATHS:
            asked = Attributes(verb="get", path=path)
            if not self._cluster.authorizer.allows(user, asked):
                raise denial(user, asked)
        if http.method not in ("GET", "HEAD"):
            raise method_not_allowed()
        answer = self._scaffold_page(path, http.headers.get("Accept", ""), verbose="verbose" in http.query_string)
        if answer is None:
            raise no_such_path()
        return answer

    def _scaffold_page(self, path: str, accept: str, *, verbose: bool) -> "web.StreamResponse | None":
        from aiohttp import web

        catalog = self._cluster.keeper.catalog
        if path in ("/healthz", "/livez", "/readyz"):
            words = f"[+]ping ok\n{path[1:]} check passed\n" if verbose else "ok"
            return web.Response(text=words, content_type="text/plain")
        if path in ("/api", "/apis") and (version := scaffold.wanted_discovery(accept)):
            document = scaffold.aggregated(catalog, core=path == "/api", version=version)
            kind = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
            return web.Response(body=encoded(document), headers={"Content-Type": kind, "Vary": "Accept"})
        fixed: dict[str, Callable[[], Json]] = {
            "/": lambda: scaffold.index(catalog),
            "/version": scaffold.version,
            "/api": lambda: scaffold.api_versions(self._server),
            "/apis": lambda: scaffold.groups(catalog),
            "/openapi/v2": lambda: openapi.v2(catalog),
            "/openapi/v3": lambda: openapi.v3_index(catalog),
        }
        if path in fixed:
            return _json(fixed[path]())
        if path == "/metrics":
            return web.Response(text=self._metrics(), content_type="text/plain")
        found = self._group_page(path)
        return None if found is None else _json(found)

    def _group_page(self, path: str) -> Json | None:
        catalog, parts = self._cluster.keeper.catalog, path.strip("/").split("/")
        specified = parts[:2] == ["openapi", "v3"]
        parts = parts[2:] if specified else parts
        if parts == ["api", "v1"]:
            group, version = "", "v1"
        elif parts[:1] == ["apis"] and len(parts) in (2, 3) and parts[1] in catalog.groups():
            versions = catalog.groups()[parts[1]]
            if len(parts) == 2:
                return None if specified else scaffold.group(parts[1], versions)
            group, version = parts[1], parts[2]
            if version not in versions:
                return None
        else:
            return None
        if specified:
            definitions = {key.name: each for key, each in self._cluster.emulator.store.list(DEFINITIONS, None)}
            return openapi.v3(catalog, group, version, definitions)
        return scaffold.resources(catalog, group, version)

    def _metrics(self) -> str:
        store = self._cluster.emulator.store
        count = sum(1 for _ in store.all_keys())
        return f"# TYPE apiserver_storage_objects gauge\napiserver_storage_objects {count}\n"


def stream_request(pod: Json, wanted: ResourceRequest, query: str) -> StreamRequest:
    """Return the request that an upgraded connection serves."""
    parameters = tuple(parse_qsl(query, keep_blank_values=True))
    return StreamRequest(pod=pod, subresource=wanted.target.subresource, query=parameters)


def _json(document: Json, *, status: int = 200) -> "web.Response":
    from aiohttp import web

    headers = {"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
    return web.Response(body=encoded(document), status=status, headers=headers)


async def _body(http: "web.BaseRequest", *, empty: bool = False) -> Any:
    data = await http.read()
    if not data:
        if empty:
            return {}
        raise bad_request("the body of the request is empty")
    kind = http.content_type
    try:
        if kind == CONTENT_TYPE:
            return decode_body(data)
        return _parsed_yaml(data) if kind in _YAML and not data.lstrip().startswith(b"{") else json.loads(data)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the body of the request cannot be read: {error}") from None


def _parsed_yaml(data: bytes) -> Any:
    import yaml

    try:
        return yaml.load(data, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ValueError(str(error).splitlines()[0]) from None
