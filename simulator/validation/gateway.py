"""Rules of Istio's Gateway. istio: ValidateGateway in pkg/config/validation/validation.go."""

from simulator.model.go_text import quote
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.validation import names
from simulator.validation.problems import Problems, at, error, warning
from simulator.validation.protocols import is_http, is_known, is_tls
from simulator.validation.server_tls import PASSTHROUGH, mode_of, server_tls

_MADE_BY_ISTIOD = "internal.istio.io/gateway-semantics"


def validate(resource: Resource) -> Problems:
    """Check a Gateway."""
    from_gateway_api = resource.annotations.get(_MADE_BY_ISTIOD) == "gateway"
    if not names.is_label(resource.name) and not from_gateway_api:
        yield error(f"invalid gateway name: {quote(resource.name)}", "metadata", "name")
    servers = resource.spec.get("servers") or []
    if not servers:
        yield error("gateway must have at least one server", "spec", "servers")
    for number, server in enumerate(servers):
        yield from at(("spec", "servers", number), _server(server, from_gateway_api=from_gateway_api))
    yield from _port_names(servers)


def _port_names(servers: list[Json]) -> Problems:
    seen: set[str] = set()
    for number, server in enumerate(servers):
        port = server.get("port")
        if port is None:
            continue
        name = port.get("name") or ""
        if name in seen:
            text = f"port names in servers must be unique: duplicate name {name}"
            yield error(text, "spec", "servers", number, "port", "name")
        seen.add(name)
        if not is_http(port.get("protocol") or "") and (server.get("tls") or {}).get("httpsRedirect"):
            text = "tls.httpsRedirect should only be used with http servers"
            yield warning(text, "spec", "servers", number, "tls", "httpsRedirect")


def _server(server: Json, *, from_gateway_api: bool) -> Problems:
    hosts = server.get("hosts") or []
    if not hosts:
        yield error("server config must contain at least one host")
    for number, host in enumerate(hosts):
        found = names.scoped_host(host, gateway=True, route_semantics=from_gateway_api)
        yield from at(("hosts", number), found)
    port, bind, tls = server.get("port"), server.get("bind") or "", server.get("tls")
    port_problems = list(_port(port, bind))
    yield from at(("port",), port_problems)
    yield from at(("bind",), _bind(port, bind))
    yield from at(("tls",), server_tls(tls))
    if not port_problems and port is not None:
        yield from _tls_for_protocol(port.get("protocol") or "", tls)


def _tls_for_protocol(protocol: str, tls: Json | None) -> Problems:
    if is_tls(protocol):
        if tls is None:
            yield error("server must have TLS settings for HTTPS/TLS protocols")
    elif tls is not None:
        if not is_http(protocol):
            yield error("server cannot have TLS settings for non HTTPS/TLS ports", "tls")
        elif mode_of(tls) not in PASSTHROUGH or any(
            tls.get(field) for field in ("caCertificates", "privateKey", "serverCertificate")
        ):
            yield error("server cannot have TLS settings for plain text HTTP ports", "tls")


def _port(port: Json | None, bind: str) -> Problems:
    if port is None:
        yield error("port is required")
        return
    protocol, number = port.get("protocol") or "", port.get("number") or 0
    if not is_known(protocol):
        yield error(
            f"invalid protocol {quote(protocol)}, supported protocols are HTTP, HTTP2, GRPC, GRPC-WEB, MONGO, REDIS, "
            "MYSQL, TCP",
            "protocol",
        )
    if number > 0 or not bind.startswith(names.UNIX):
        yield from at(("number",), names.port(number))
    if (port.get("targetPort") or 0) > 0:
        yield error("targetPort has no impact on Gateways", "targetPort")
    if not port.get("name"):
        yield error(f"port name must be set: {proto_text(port)}")


def proto_text(port: Json) -> str:
    """Return a port as Go prints the message."""
    parts = [("number", port.get("number")), ("protocol", port.get("protocol")), ("name", port.get("name"))]
    parts.append(("target_port", port.get("targetPort")))
    shown = [f"{name}:{quote(value) if isinstance(value, str) else value}" for name, value in parts if value]
    return "  ".join(shown)


def _bind(port: Json | None, bind: str) -> Problems:
    if bind.startswith(names.UNIX):
        yield from names.unix_path(bind.removeprefix(names.UNIX))
        if port is not None and port.get("number"):
            yield error(f"port number must be 0 for unix domain socket: {proto_text(port)}")
    elif bind:
        yield from names.address(bind)
