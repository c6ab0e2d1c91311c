"""Values in the rules of an AuthorizationPolicy. istio: pkg/config/security/security.go."""

import re
from collections.abc import Sequence

from simulator.model.addresses import is_address
from simulator.model.go_text import quote
from simulator.validation.ip_addresses import prefix_problem
from simulator.validation.problems import Problems, error, joined

_ONE, _ALL = "{*}", "{**}"
_LITERAL = re.compile(r"[a-zA-Z0-9\-._~%!$&'()+,;:@=]+\Z")
_MOST_ACCOUNTS, _LONGEST_ACCOUNT = 16, 320
_PLAIN = frozenset(
    {
        "source.namespace",
        "source.principal",
        "request.auth.principal",
        "request.auth.audiences",
        "request.auth.presenter",
        "connection.sni",
    }
)
_MAPS = ("request.headers", "request.auth.claims", "experimental.envoy.filters.")
_ADDRESSES = frozenset({"source.ip", "remote.ip", "destination.ip"})


def not_empty(field: str, values: Sequence[str]) -> Problems:
    """Check that no value is empty."""
    if "" in values:
        yield error(f"empty value not allowed, found in {field}")


def wildcards(field: str, values: Sequence[str]) -> Problems:
    """Check that a value has one wildcard at most, at an end."""
    if "" in values:
        yield from not_empty(field, values)
        return
    for value in values:
        if value.count("*") > 1:
            yield error(f"at most one wildcard is allowed, found in {field}: {quote(value)}")
            return
        if "*" in value[1:-1]:
            yield error(f"wildcard is only allowed at the start or end, found in {field}: {quote(value)}")
            return


def trust_domains(field: str, values: Sequence[str]) -> Problems:
    """Check trust domains."""
    found = list(wildcards(field, values))
    yield from found
    slashed = next((value for value in values if "/" in value), None)
    if not found and slashed is not None:
        yield error(f"trust domain must not contain '/', found in {field}: {quote(slashed)}")


def service_accounts(field: str, values: Sequence[str]) -> Problems:
    """Check `[namespace/]name` of service accounts."""
    if len(values) > _MOST_ACCOUNTS:
        yield error(f"may not have more than {_MOST_ACCOUNTS} values")
        return
    first = next(filter(None, (_account_problem(field, value) for value in values)), "")
    if first:
        yield error(first)


def _account_problem(field: str, value: str) -> str:
    expected = "expected format 'serviceAccount' or 'namespace/serviceAccount', found"
    namespace, slash, name = value.partition("/")
    if not value:
        return f"empty value not allowed, found in {field}"
    if "*" in value:
        return f"wildcard not allowed, found in {field}"
    if value.count("/") > 1:
        return f"{expected} {quote(value)} in {field}"
    if len(value.encode()) > _LONGEST_ACCOUNT:
        return f"value cannot exceed {_LONGEST_ACCOUNT} characters, found {quote(value)} in {field}"
    if slash and not namespace:
        return f"{expected} empty namespace {quote(value)} in {field}"
    if slash and not name:
        return f"{expected} empty serviceAccount {quote(value)} in {field}"
    return ""


def with_addresses(values: Sequence[str]) -> Problems:
    """Check IP addresses and CIDR ranges."""
    for value in values:
        if "/" in value:
            if problem := prefix_problem(value):
                yield error(f"bad CIDR range ({value}): netip.ParsePrefix({quote(value)}): {problem}")
        elif not is_address(value):
            yield error(f"bad IP address ({value})")


def ports(values: Sequence[str]) -> Problems:
    """Check port numbers, which are strings in policies."""
    for value in values:
        if not re.fullmatch("[0-9]+", value):
            yield error(f"bad port ({value}): strconv.ParseUint: parsing {quote(value)}: invalid syntax")
        elif int(value) >= 2**32:
            yield error(f"bad port ({value}): strconv.ParseUint: parsing {quote(value)}: value out of range")
        elif int(value) > 65535:
            yield error(f"bad port ({value}): <nil>")


def paths(field: str, values: Sequence[str]) -> Problems:
    """Check templates (`{*}` for one segment, `{**}` for the rest) in paths; Istio reports the first wrong one only."""
    for value in values:
        path = value.strip("/")
        if problem := _template_problem(path, is_template=_ONE in value or _ALL in value):
            yield error(f"invalid or unsupported path {path}, found in {field}. {problem}")
            return


def _template_problem(path: str, *, is_template: bool) -> str:
    rest_taken = False
    for segment in path.split("/"):
        if segment in (_ONE, _ALL):
            if rest_taken:
                return f"{_ALL} is not the last operator"
            rest_taken = segment == _ALL
        elif "{" in segment or "}" in segment:
            return "Contains '{' or '}' beyond a supported path template"
        elif is_template and not _LITERAL.match(segment):
            return f"Contains segment {segment} with invalid string literal"
    return ""


def attribute(key: str, values: Sequence[str]) -> str:
    """Return what is wrong with a condition's key or its values; empty for a valid one."""
    found = list(not_empty(key, values))
    if not found and key in _ADDRESSES:
        addresses = list(with_addresses(values))
        return joined(addresses) if addresses else ""
    if not found and key == "destination.port":
        numbers = list(ports(values))
        return joined(numbers) if numbers else ""
    if not found and key == "source.serviceAccount":
        found = list(service_accounts(key, values))
    if not found and key == "source.trustDomain":
        found = list(wildcards(key, values))
    return found[0].text if found else _key_problem(key)


def _key_problem(key: str) -> str:
    if key in _PLAIN or key in ("source.serviceAccount", "source.trustDomain"):
        return ""
    if key.startswith(_MAPS):
        opened = key.find("[")
        return "" if key.endswith("]") and 0 < opened < len(key) - 2 else f"bad key ({key}): should have format a[b]"
    if key == "destination.namespace":
        return f"attribute {key} is replaced by the metadata.namespace"
    if key.startswith("destination.labels"):
        return f"attribute {key} is replaced by the workload selector"
    if key in ("destination.name", "destination.user"):
        return f"deprecated attribute {key}: only supported in v1alpha1"
    return f"unknown attribute: {key}"
