"""Rules of a Sidecar. istio: ValidateSidecar in pkg/config/validation/validation.go."""

from collections.abc import Sequence

from simulator.model.go_text import quote
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.validation import names
from simulator.validation.destinations import destination
from simulator.validation.problems import Problems, at, error, warning
from simulator.validation.protocols import is_http, is_tls, protocol
from simulator.validation.selectors import NO_LABELS, selected_labels
from simulator.validation.server_tls import mode_of, server_tls
from simulator.validation.traffic_policy import connection_pool

_LOCAL = frozenset({"", "127.0.0.1", "0.0.0.0", "::1", "::"})
_NO_TLS = (
    ("subjectAltNames", "sidecar: subjectAltNames is not supported in ingress tls"),
    ("httpsRedirect", "sidecar: httpsRedirect is not supported"),
    ("credentialName", "sidecar: credentialName is not currently supported"),
    ("credentialNames", "sidecar: credentialNames is not currently supported"),
    ("tlsCertificates", "sidecar: tls_certificates is not currently supported"),
)


def validate(resource: Resource) -> Problems:
    """Check a Sidecar."""
    spec = resource.spec
    selector = spec.get("workloadSelector")
    refused = list(selected_labels((selector or {}).get("labels")))
    if refused:
        yield from at(("spec", "workloadSelector", "labels"), refused)
        return
    ingress, egress = spec.get("ingress") or [], spec.get("egress") or []
    outbound, pool = spec.get("outboundTrafficPolicy"), spec.get("inboundConnectionPool")
    if not ingress and not egress and outbound is None and pool is None:
        yield error("sidecar: empty configuration provided", "spec")
        return
    if selector is not None and not selector.get("labels"):
        text = f"sidecar: {NO_LABELS}, will be applied to all services in namespace"
        yield warning(text, "spec", "workloadSelector")
    yield from at(("spec", "ingress"), _ingress(ingress))
    yield from at(("spec", "inboundConnectionPool"), connection_pool(pool))
    yield from at(("spec", "egress"), _egress(egress, resource.namespace))
    yield from at(("spec", "outboundTrafficPolicy"), _outbound(outbound))


def _ingress(listeners: Sequence[Json]) -> Problems:
    numbers: set[int] = set()
    for index, listener in enumerate(listeners):
        port = listener.get("port")
        if port is None:
            yield error("sidecar: port is required for ingress listeners", index)
            continue
        yield from at((index, "port"), _ingress_port(port, listener.get("bind") or ""))
        number = port.get("number") or 0
        if number in numbers:
            yield error("sidecar: ports on IP bound listeners must be unique", index, "port")
        numbers.add(number)
        if listener.get("defaultEndpoint"):
            yield from at((index, "defaultEndpoint"), _default_endpoint(listener["defaultEndpoint"]))
        yield from at((index,), _ingress_tls(listener.get("tls"), port.get("protocol") or ""))
        yield from at((index,), _ingress_pool(listener.get("connectionPool"), port))


def _ingress_port(port: Json, bind: str) -> Problems:
    if (port.get("targetPort") or 0) > 0:
        yield error("targetPort has no impact on Sidecars", "targetPort")
    if port.get("name"):
        yield from at(("name",), names.port_name(port["name"]))
    yield from at(("protocol",), protocol(port.get("protocol") or ""))
    yield from at(("number",), names.port(port.get("number") or 0))
    if bind:
        yield from names.address(bind)


def _ingress_pool(pool: Json | None, port: Json) -> Problems:
    yield from at(("connectionPool",), connection_pool(pool))
    name = port.get("protocol") or ""
    if pool is not None and pool.get("http") is not None and not is_http(name):
        yield warning(
            f"sidecar: HTTP connection pool settings are configured for port {port.get('number') or 0} "
            f"({quote(port.get('name') or '')}) but its protocol is not HTTP ({name}); only TCP settings will apply",
            "connectionPool",
        )


def _default_endpoint(text: str) -> Problems:
    if text.startswith(names.UNIX):
        yield from names.unix_path(text.removeprefix(names.UNIX))
        return
    host, colon, port = text.rpartition(":")
    if not colon:
        yield error(f"address {text}: missing port in address")
        host, port = "", ""
    elif ":" in host and not (host.startswith("[") and host.endswith("]")):
        yield error(f"address {text}: too many colons in address")
        host, port = "", ""
    if host.strip("[]") not in _LOCAL:
        yield error(
            "sidecar: defaultEndpoint must be of form 127.0.0.1:<port>,0.0.0.0:<port>,[::1]:port,[::]:port,"
            "unix://filepath or unset"
        )
    if not port.lstrip("+-").isdigit():
        reason = f"strconv.Atoi: parsing {quote(port)}: invalid syntax"
        yield error(f"sidecar: defaultEndpoint port ({port}) is not a number: {reason}")
    else:
        yield from names.port(int(port))


def _ingress_tls(tls: Json | None, name: str) -> Problems:
    if tls is None:
        return
    for field, text in _NO_TLS:
        if tls.get(field):
            yield error(text, "tls", field)
    if mode_of(tls) in ("ISTIO_MUTUAL", "AUTO_PASSTHROUGH"):
        text = f"configuration is invalid: cannot set mode to {mode_of(tls)} in sidecar ingress tls"
        yield error(text, "tls", "mode")
    if not is_tls(name):
        yield error("server cannot have TLS settings for non HTTPS/TLS ports", "tls")
    yield from at(("tls",), server_tls(tls))


def _egress(listeners: Sequence[Json], namespace: str) -> Problems:
    numbers: set[int] = set()
    sockets: set[str] = set()
    for index, listener in enumerate(listeners):
        port, bind = listener.get("port"), listener.get("bind") or ""
        if port is None:
            if index != len(listeners) - 1:
                yield error(
                    "sidecar: the egress listener with empty port should be the last listener in the list", index
                )
        else:
            yield from at((index, "port"), _egress_port(port, bind, listener.get("captureMode") or "DEFAULT"))
            number = port.get("number") or 0
            if number == 0 and bind in sockets:
                yield error("sidecar: unix domain socket values for listeners must be unique", index, "bind")
            elif number and number in numbers:
                yield error("sidecar: ports on IP bound listeners must be unique", index, "port")
            if number == 0:
                sockets.add(bind)
            else:
                numbers.add(number)
        yield from at((index, "hosts"), _egress_hosts(listener.get("hosts") or [], namespace))


def _egress_port(port: Json, bind: str, capture: str) -> Problems:
    if (port.get("targetPort") or 0) > 0:
        yield error("targetPort has no impact on Sidecars", "targetPort")
    if port.get("name"):
        yield from at(("name",), names.port_name(port["name"]))
    yield from at(("protocol",), protocol(port.get("protocol") or ""))
    if port.get("number"):
        yield from at(("number",), names.port(port["number"]))
        if bind:
            yield from names.address(bind)
        return
    if not bind.startswith(names.UNIX):
        yield error("sidecar: ports with 0 value must have a unix domain socket bind address")
    else:
        yield from names.unix_path(bind.removeprefix(names.UNIX))
    if capture not in ("DEFAULT", "NONE"):
        yield error("sidecar: captureMode must be DEFAULT/NONE for unix domain socket listeners")


def _egress_hosts(hosts: Sequence[str], namespace: str) -> Problems:
    if not hosts:
        yield error("sidecar: egress listener must contain at least one host")
    seen: dict[str, set[str]] = {}
    for number, text in enumerate(hosts):
        where, slash, host = text.partition("/")
        if slash:
            known = seen.setdefault(namespace if where == "." else where, set())
            if (host in known or "*" in known) if host != "*" else known:
                yield warning(f"duplicated egress host: {text}", number)
            known.add(host)
        yield from at((number,), names.scoped_host(text, gateway=False))
    if "*" in seen.get("*", ()) and len(seen) != 1:
        yield warning("`*/*` host select all resources, no other hosts can be added")


def _outbound(policy: Json | None) -> Problems:
    proxy = (policy or {}).get("egressProxy")
    if policy is None or proxy is None:
        return
    if (policy.get("mode") or "REGISTRY_ONLY") != "ALLOW_ANY":
        yield error("sidecar: egress_proxy must be set only with ALLOW_ANY outbound_traffic_policy mode", "egressProxy")
        return
    yield from at(("egressProxy", "host"), names.domain(proxy.get("host") or "", wildcard=False))
    if proxy.get("port") is None:
        yield error("sidecar: egress_proxy port must be non-nil", "egressProxy")
        return
    yield from at(("egressProxy",), destination(proxy))
