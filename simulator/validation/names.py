"""Rules of names, ports, addresses and durations.

istio: pkg/config/validation/agent/validation.go, pkg/config/labels/instance.go, pkg/config/host/name.go.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from simulator.model.addresses import is_address
from simulator.model.go_text import quote
from simulator.validation.ip_addresses import prefix_problem
from simulator.validation.problems import Problems, error

_LABEL = r"[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?"
_DNS_LABEL = re.compile(rf"{_LABEL}\Z")
_WILDCARD_LABEL = re.compile(rf"(\*|(\*|\*-)?{_LABEL})\Z")
_QUALIFIED = "(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_KEY = re.compile(rf"({_LABEL}(?:\.{_LABEL})*/)?({_QUALIFIED})\Z")
_LABEL_VALUE = re.compile(rf"({_QUALIFIED})?\Z")
_DURATION = re.compile(r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+\Z|[-+]?0\Z")
_AMOUNT = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_LONGEST_LABEL, _LONGEST_PREFIX, _LONGEST_DOMAIN = 63, 253, 255
_NUMBER = re.compile(r"[-+]?\d+\Z")
UNIX = "unix://"
ANY = "*"


def is_label(name: str) -> bool:
    """Tell whether Istio accepts a name as a DNS label, which may have capital letters."""
    return len(name) <= _LONGEST_LABEL and _DNS_LABEL.match(name) is not None


def domain_problem(domain: str, *, wildcard: bool) -> str:
    """Return what is wrong with a domain name; `wildcard` allows one in its first label."""
    if not domain:
        return "empty domain name not allowed"
    if len(domain.encode()) > _LONGEST_DOMAIN:
        return f"domain name {quote(domain)} too long (max 255)"
    if not wildcard:
        return _labels_problem(domain)
    first, dot, rest = domain.partition(".")
    if len(first) > _LONGEST_LABEL or not _WILDCARD_LABEL.match(first):
        return f"domain name {quote(domain)} invalid (label {quote(first)} invalid)"
    return _labels_problem(rest) if dot else ""


def _labels_problem(domain: str) -> str:
    labels = domain.split(".")
    top = labels[-1]
    if _NUMBER.match(top):
        return f"domain name {quote(domain)} invalid (top level domain {quote(top)} cannot be all-numeric)"
    for label in labels[:-1] if top == "" else labels:
        if not is_label(label):
            return f"domain name {quote(domain)} invalid (label {quote(label)} invalid)"
    return ""


def domain(name: str, *, wildcard: bool = True) -> Problems:
    """Check a domain name."""
    if problem := domain_problem(name, wildcard=wildcard):
        yield error(problem)


def scoped_host(text: str, *, gateway: bool, route_semantics: bool = False) -> Problems:
    """Check `namespace/host` of a server or of a Sidecar's egress; a Gateway may leave the first out."""
    namespace, slash, host = text.partition("/")
    if not slash:
        if gateway:
            yield from _host_part(text, gateway=True)
        else:
            yield error("host must be of form namespace/dnsName")
        return
    if not namespace or not host:
        yield error("config namespace and dnsName in host entry cannot be empty")
    nobody = namespace == "~" and (not gateway or route_semantics)
    if namespace not in (ANY, ".") and not nobody and not is_label(namespace):
        where = "gateway" if gateway else "sidecar"
        yield error(f"invalid namespace value {quote(namespace)} in {where}")
    yield from _host_part(host, gateway=gateway)


def _host_part(host: str, *, gateway: bool) -> Problems:
    if host != ANY and "." not in host:
        yield error("short names (non FQDN) are not allowed")
    problem = domain_problem(host, wildcard=True)
    if problem and not (gateway and is_address(host)):
        yield error(problem)
    yield from partial_wildcard(host)


def partial_wildcard(host: str) -> Problems:
    """Check that a wildcard is a whole label."""
    if "*" in host and len(host) != 1 and not host.startswith("*."):
        yield error(f"partial wildcard {quote(host)} not allowed")


def port(number: Any) -> Problems:
    """Check a port number."""
    if not (isinstance(number, int) and 1 <= number <= 65535):
        yield error(f"port number {number} must be in the range 1..65535")


def port_name(name: str) -> Problems:
    """Check the name of a port."""
    if not is_label(name):
        yield error(f"invalid port name: {name}")


def address(text: str) -> Problems:
    """Check an IP address."""
    if not is_address(text):
        yield error(f"{text} is not a valid IP")


def subnet(text: str) -> Problems:
    """Check an IP address or a CIDR range."""
    if text.count("/") != 1:
        yield from address(text)
    elif prefix_problem(text):
        yield error(f"{text} is not a valid CIDR block")


def unix_path(path: str) -> Problems:
    """Check the path of a unix domain socket; `@` begins an abstract one."""
    if not path:
        yield error("unix address must not be empty")
    elif not path.startswith("@") and (not path.startswith("/") or path.endswith("/")):
        yield error(f"{path} is not an absolute path to a file")


def milliseconds(text: Any) -> float | None:
    """Return a duration, written as Go writes it (`1h30m`, `0.5s`), in milliseconds; None for anything else."""
    if not isinstance(text, str) or not _DURATION.match(text):
        return None
    nanoseconds = sum(int(Decimal(amount) * _UNITS[unit]) for amount, unit in _AMOUNT.findall(text))
    return (-nanoseconds if text[0] == "-" else nanoseconds) / 10**6


def any_duration(text: Any) -> Problems:
    """Check that a value is a duration of any length."""
    if text is not None and milliseconds(text) is None:
        yield error(f"invalid duration {quote(str(text))}: it has a number and a unit, such as 1.5s")


def duration(text: Any) -> Problems:
    """Check a duration: one millisecond at least, and whole milliseconds."""
    amount = milliseconds(text)
    if amount is None:
        yield error(f"invalid duration {quote(str(text))}: it has a number and a unit, such as 1.5s")
    elif amount < 1:
        yield error("duration must be greater than 1ms")
    elif amount % 1:
        yield error("only durations to ms precision are supported")


def labels(given: Mapping[str, Any] | None) -> Problems:
    """Check keys and values of labels."""
    for key, value in (given or {}).items():
        match = _LABEL_KEY.match(key)
        if match is None:
            yield error(f"invalid tag key: {quote(key)}", key)
        elif match[1] and len(match[1]) - 1 > _LONGEST_PREFIX:
            yield error(f"invalid tag key: {quote(key)} (DNS prefix is too long)", key)
        elif len(match[2]) > _LONGEST_LABEL:
            yield error(f"invalid tag key: {quote(key)} (name is too long)", key)
        if not _LABEL_VALUE.match(str(value)):
            yield error(f"invalid tag value: {quote(str(value))}", key)


def is_wildcard(host: str) -> bool:
    """Tell whether a host is a wildcard."""
    return host.startswith("*")


def overlaps(one: str, other: str) -> bool:
    """Tell whether some host belongs to both of two hosts that may be wildcards."""
    return covers(one, other) or covers(other, one)


def covers(wider: str, narrower: str) -> bool:
    """Tell whether every host that `narrower` stands for belongs to `wider`."""
    if not is_wildcard(wider):
        return wider == narrower
    if is_wildcard(narrower):
        return len(narrower) >= len(wider) and narrower.endswith(wider[1:])
    return narrower.endswith(wider[1:])
