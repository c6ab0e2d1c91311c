"""What the injector accepts as the value of an annotation.

istiod: pkg/kube/inject/validate.go. The errors end in Go's own wording, because a user of the injector sees that.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping

from simulator.model.wire import Json

_QUANTITY = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$")
_INTERFACE = re.compile(r"[a-zA-Z][a-zA-Z0-9_.\-]*")
_BOOLEANS = frozenset({"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"})


def complaint(annotation: str, value: str) -> str:
    """Return what is wrong with the value of an annotation; empty when it is valid."""
    check = _CHECKS.get(annotation)
    return check(value) if check else ""


def complaints(annotations: Mapping[str, object]) -> tuple[str, ...]:
    """Return the injector's errors about annotations for which it refuses a pod."""
    found = ((name, value, complaint(name, str(value))) for name, value in sorted(annotations.items()))
    return tuple(f"invalid value '{value}' for annotation '{name}': {wrong}" for name, value, wrong in found if wrong)


def _integer(text: str, *, bits: int) -> str:
    if not re.fullmatch(r"[0-9]+", text):
        return f'strconv.ParseUint: parsing "{text}": invalid syntax'
    return "" if int(text) < 2**bits else f'strconv.ParseUint: parsing "{text}": value out of range'


def _port(text: str) -> str:
    wrong = _integer(text.strip(), bits=16)
    return f"failed parsing port '{text}': {wrong}" if wrong else ""


def _status_port(value: str) -> str:
    wrong = _port(value)
    return f"excludeInboundPorts invalid: {wrong}" if wrong else ""


def _ports(parameter: str, *, star: bool) -> Callable[[str], str]:
    def check(value: str) -> str:
        if (star and value == "*") or not value.strip():
            return ""
        for text in value.strip().split(","):
            if wrong := _port(text):
                return f"{parameter} invalid: failed parsing port '{text}': {wrong}"
        return ""

    return check


def _ranges(parameter: str, *, star: bool) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not value or (star and value == "*"):
            return ""
        for text in value.split(","):
            if wrong := _prefix(text):
                return f"{parameter} invalid: failed parsing cidr '{text}': {wrong}"
        return ""

    return check


def _prefix(text: str) -> str:
    address, slash, bits = text.rpartition("/")
    if not slash:
        return f"netip.ParsePrefix({_quoted(text)}): no '/'"
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return f"netip.ParsePrefix({_quoted(text)}): ParseAddr({_quoted(address)}): unable to parse IP"
    if not re.fullmatch(r"0|[1-9][0-9]*", bits):
        return f"netip.ParsePrefix({_quoted(text)}): bad bits after slash: {_quoted(bits)}"
    if int(bits) > parsed.max_prefixlen:
        return f"netip.ParsePrefix({_quoted(text)}): prefix length out of range"
    return ""


def _quoted(text: str) -> str:
    return f'"{text}"'


def _interception(value: str) -> str:
    if value in ("REDIRECT", "TPROXY", "NONE"):
        return ""
    return f"interceptionMode invalid, use REDIRECT,TPROXY,NONE: {value}"


def _boolean(value: str) -> str:
    return "" if value in _BOOLEANS else f'strconv.ParseBool: parsing "{value}": invalid syntax'


def _count(value: str) -> str:
    return _integer(value, bits=32)


def _quantity(value: str) -> str:
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in value):
        return "value contains control characters"
    if _QUANTITY.match(value):
        return ""
    return "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def _interfaces(value: str) -> str:
    for name in map(str.strip, value.split(",") if value else ()):
        if not name:
            return "empty interface name"
        if len(name.encode()) > 15:
            return f"interface name {_quoted(name)} too long (max 15 chars)"
        if not _INTERFACE.fullmatch(name):
            return f"interface name {_quoted(name)} contains invalid characters"
    return ""


def _proxy_config(value: str) -> str:
    import yaml

    try:
        document: Json | None = yaml.safe_load(value)
    except yaml.YAMLError as error:
        return f"failed to convert to apply proxy config: {str(error).splitlines()[0]}"
    if document is not None and not isinstance(document, dict):
        return "failed to convert to apply proxy config: not a mapping"
    return ""


_CHECKS: dict[str, Callable[[str], str]] = {
    "sidecar.istio.io/interceptionMode": _interception,
    "status.sidecar.istio.io/port": _status_port,
    "readiness.status.sidecar.istio.io/initialDelaySeconds": _count,
    "readiness.status.sidecar.istio.io/periodSeconds": _count,
    "readiness.status.sidecar.istio.io/failureThreshold": _count,
    "traffic.sidecar.istio.io/includeOutboundIPRanges": _ranges("includeIPRanges", star=True),
    "traffic.sidecar.istio.io/excludeOutboundIPRanges": _ranges("excludeIPRanges", star=False),
    "traffic.sidecar.istio.io/includeInboundPorts": _ports("includeInboundPorts", star=True),
    "traffic.sidecar.istio.io/excludeInboundPorts": _ports("excludeInboundPorts", star=False),
    "traffic.sidecar.istio.io/excludeOutboundPorts": _ports("excludeOutboundPorts", star=False),
    "traffic.sidecar.istio.io/excludeInterfaces": _interfaces,
    "traffic.sidecar.istio.io/kubevirtInterfaces": _interfaces,
    "istio.io/reroute-virtual-interfaces": _interfaces,
    "prometheus.istio.io/merge-metrics": _boolean,
    "proxy.istio.io/config": _proxy_config,
    "sidecar.istio.io/proxyCPU": _quantity,
    "sidecar.istio.io/proxyMemory": _quantity,
    "sidecar.istio.io/proxyCPULimit": _quantity,
    "sidecar.istio.io/proxyMemoryLimit": _quantity,
}
