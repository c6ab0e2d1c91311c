"""A copy of a proxy's configuration that the Envoy of PyPI runs on loopback, and the Envoy that runs it.

What is changed, and nothing else: each listener is bound to a loopback address of its own; each cluster is an echo at a
loopback address of its own; routes are inlined; TLS, logs, tracing and Istio's own filters are left out.
"""

import contextlib
import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

from simulator.envoy.config import Config
from simulator.envoy.documents import child, children, package
from simulator.envoy.listener_match import addresses

Json = dict[str, Any]
PRIVILEGED = 1024
SHIFT = 20_000
"""Added to ports that only root may bind."""

KEPT_FILTERS = frozenset(
    {
        "envoy.extensions.filters.http.cors.v3.Cors",
        "envoy.extensions.filters.http.fault.v3.HTTPFault",
        "envoy.extensions.filters.http.rbac.v3.RBAC",
        "envoy.extensions.filters.http.router.v3.Router",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "envoy.extensions.filters.network.rbac.v3.RBAC",
        "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
        "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
    }
)
_MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_MANAGER_OPTIONS = (
    "stat_prefix", "normalize_path", "merge_slashes", "path_with_escaped_slashes_action", "use_remote_address",
    "xff_num_trusted_hops", "upgrade_configs", "http_protocol_options", "strip_any_host_port",
)  # fmt: skip


def without_foreign_filters(filters: list[Json]) -> tuple[list[Json], list[str]]:
    """Leave out the filters that the Envoy of PyPI lacks, or that need a running peer; return also their names."""
    kept = [item for item in filters if package(child(item, "typed_config")) in KEPT_FILTERS]
    return kept, [str(item["name"]) for item in filters if item not in kept]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A bootstrap, where its listeners are bound, and what was left out of it."""

    bootstrap: Json
    places: dict[str, tuple[str, int]]
    """Listener → address and port."""
    echoes: dict[str, str]
    """Address of an echo → cluster."""
    dropped: frozenset[str]


def copy_of(config: Config, *, listeners: list[str], echo_port: int) -> Copy:
    """Make the copy of some listeners of a proxy, and of all its clusters."""
    echoes = {f"127.81.{i // 250}.{i % 250 + 1}": name for i, name in enumerate(sorted(config.clusters))}
    places: dict[str, tuple[str, int]] = {}
    dropped: set[str] = set()
    bound = []
    for number, name in enumerate(listeners, start=1):
        original = next(one for one in config.listeners if one["name"] == name)
        port = next(addresses(original))[1]
        places[name] = (f"127.80.0.{number}", port if port >= PRIVILEGED else port + SHIFT)
        bound.append(_listener(config, original, places[name], dropped))
    clusters = [_cluster(name, address, echo_port) for address, name in echoes.items()]
    bootstrap = {
        "static_resources": {"listeners": bound, "clusters": clusters},
        "admin": {"address": _address("127.0.0.1", 0)},
    }
    return Copy(bootstrap=bootstrap, places=places, echoes=echoes, dropped=frozenset(dropped))


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}


def _cluster(name: str, address: str, port: int) -> Json:
    endpoint = {"endpoint": {"address": _address(address, port)}}
    assignment = {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}
    return {"name": name, "type": "STATIC", "connect_timeout": "5s", "load_assignment": assignment}


def _listener(config: Config, original: Json, place: tuple[str, int], dropped: set[str]) -> Json:
    filters, gone = without_foreign_filters(children(original, "listener_filters"))
    dropped.update(gone)
    result = {
        "name": original["name"],
        "address": _address(*place),
        "listener_filters": filters,
        "filter_chains": [_chain(config, chain, dropped) for chain in children(original, "filter_chains")],
    }
    for field in ("listener_filters_timeout", "continue_on_listener_filters_timeout", "traffic_direction"):
        if field in original:
            result[field] = original[field]
    if "default_filter_chain" in original:
        result["default_filter_chain"] = _chain(config, child(original, "default_filter_chain"), dropped)
    return result


def _chain(config: Config, chain: Json, dropped: set[str]) -> Json:
    kept, gone = without_foreign_filters(children(chain, "filters"))
    dropped.update(gone)
    result: Json = {"filters": [_network_filter(config, item, dropped) for item in kept]}
    for field in ("filter_chain_match", "name"):
        if field in chain:
            result[field] = chain[field]
    return result


def _network_filter(config: Config, item: Json, dropped: set[str]) -> Json:
    content = child(item, "typed_config")
    if package(content) != _MANAGER:
        return {**item, "typed_config": {key: value for key, value in content.items() if key != "access_log"}}
    filters, gone = without_foreign_filters(children(content, "http_filters"))
    dropped.update(gone)
    name = child(content, "rds").get("route_config_name")
    routes = config.routes[name] if name else child(content, "route_config")
    kept = {key: content[key] for key in _MANAGER_OPTIONS if key in content}
    return {
        **item,
        "typed_config": {"@type": content["@type"], **kept, "http_filters": filters, "route_config": _quick(routes)},
    }


def _quick(routes: Any) -> Any:
    """Shorten injected delays: how long they take is not what is tested."""
    if isinstance(routes, dict):
        return {key: "0.02s" if key == "fixed_delay" else _quick(value) for key, value in routes.items()}
    return [_quick(item) for item in routes] if isinstance(routes, list) else routes


class _Echo(BaseHTTPRequestHandler):
    """Answers with what arrived, and at which address."""

    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        self.rfile.read(int(self.headers.get("content-length") or 0))
        target = self.requestline.split(" ")[1]  # `path` has leading slashes merged
        seen = {"address": self.connection.getsockname()[0], "path": target, "authority": self.headers.get("host")}
        body = b"" if self.command == "HEAD" else json.dumps(seen).encode()
        self.send_response_only(200)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-seen", json.dumps(seen))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def echo() -> Iterator[int]:
    """Run the echo for all clusters; yield its port."""
    server = ThreadingHTTPServer(("0.0.0.0", 0), _Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


@contextlib.contextmanager
def envoy(bootstrap: Json, folder: Path) -> Iterator[None]:
    """Run Envoy until the block is left; raise AssertionError with its log when it does not start."""
    (folder / "bootstrap.json").write_text(json.dumps(bootstrap))
    admin, log = folder / "admin", folder / "log"
    program, config = str(files("envoy") / "_bin" / "envoy"), str(folder / "bootstrap.json")
    command = [program, "-c", config, "--admin-address-path", str(admin), "--log-path", str(log)]
    command += ["--disable-hot-restart", "--concurrency", "1", "-l", "warning"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(process, admin, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], admin: Path, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            if urllib.request.urlopen(f"http://{admin.read_text()}/ready", timeout=1).status == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"Envoy did not start:\n{log.read_text()[-2000:] if log.exists() else ''}")
