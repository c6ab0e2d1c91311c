"""istiod's xDS port for `istio.io/debug/*` requests, with which istioctl reads sync state and config dumps.

A gRPC server on a socket file that only port-forwards reach, with TLS (15012) or in plain text (15010).
istiod: pilot/pkg/xds/statusgen.go, debuggen.go.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from simulator.apiserver.authorization import User
from simulator.apiserver.messages import to_any
from simulator.apiserver.tls import Identity
from simulator.istiod.debug import Istiod, debug_page, sent_dump
from simulator.istiod.sync import client_config
from simulator.model.proxies import Proxy, Role
from simulator.model.wire import Json

SYNCZ = "istio.io/debug/syncz"
CONFIG_DUMP = "istio.io/debug/config_dump"
DEBUG = "istio.io/debug"
_METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"


class DebugXds:
    """Answers one istiod's xDS requests.

    `istiod` returns its present state, `user` the user of a token, `delay` the seconds by which answers are delayed.
    """

    def __init__(
        self,
        *,
        pod: str,
        istiod: Callable[[], Istiod],
        user: Callable[[str], User | None],
        delay: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._delay = delay
        self._pod = pod
        self._istiod = istiod
        self._user = user
        self._server: Any = None

    def start(self, path: str, identity: Identity | None) -> None:
        """Serve on a socket file, with TLS where there is an identity."""
        import grpc
        from envoy.service.discovery.v3 import discovery_pb2

        server = grpc.server(ThreadPoolExecutor(max_workers=4, thread_name_prefix="xds"))
        handler = grpc.stream_stream_rpc_method_handler(
            self._stream,
            request_deserializer=discovery_pb2.DiscoveryRequest.FromString,
            response_serializer=discovery_pb2.DiscoveryResponse.SerializeToString,
        )
        service, _, name = _METHOD[1:].partition("/")
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: handler}),))
        if identity is None:
            server.add_insecure_port(f"unix:{path}")
        else:
            server.add_secure_port(f"unix:{path}", grpc.ssl_server_credentials([identity.for_grpc()]))
        server.start()
        self._server = server

    def stop(self) -> None:
        """End the server and its streams."""
        if self._server is not None:
            self._server.stop(None).wait(2)

    def _stream(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        import grpc
        from envoy.service.discovery.v3 import discovery_pb2

        given = dict(context.invocation_metadata()).get("authorization", "")
        kind, _, token = str(given).partition(" ")
        if kind.lower() != "bearer" or self._user(token) is None:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "authentication failure")
        for request in requests:
            time.sleep(self._delay())
            resources = self._resources(request.type_url, list(request.resource_names))
            if resources is None:
                context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{request.type_url}: only istio.io/debug is simulated")
            version = self._istiod().push.version
            info = {"Component": "istiod", "ID": self._pod, "Info": _build(self._istiod())}
            yield discovery_pb2.DiscoveryResponse(
                version_info=version,
                type_url=request.type_url,
                nonce=version,
                resources=resources,
                control_plane={"identifier": json.dumps(info)},
            )

    def _resources(self, type_url: str, names: list[str]) -> list[Any] | None:
        istiod = self._istiod()
        if type_url == SYNCZ:
            return [_packed(_client_config(istiod, proxy)) for proxy in istiod.proxies]
        if type_url == CONFIG_DUMP:
            proxy = istiod.proxy(names[0]) if len(names) == 1 else None
            if proxy is None or proxy.role is Role.ZTUNNEL:
                return []
            return [to_any(section) for section in sent_dump(istiod, proxy, endpoints=False)]
        if type_url == DEBUG and len(names) == 1:
            from google.protobuf import any_pb2

            page = debug_page(istiod, f"/debug/{names[0]}")
            return [any_pb2.Any(type_url=DEBUG, value=page.body)]
        return None


def _build(istiod: Istiod) -> Json:
    return {
        "version": istiod.version,
        "revision": "simulated",
        "golang_version": "go1.26",
        "status": "Clean",
        "tag": istiod.version,
    }


def _client_config(istiod: Istiod, proxy: Proxy) -> Any:
    from envoy.service.status.v3 import csds_pb2
    from google.protobuf import json_format

    return json_format.ParseDict(client_config(istiod.snapshot, proxy, istiod.push), csds_pb2.ClientConfig())


def _packed(message: Any) -> Any:
    from google.protobuf import any_pb2

    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
