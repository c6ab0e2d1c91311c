"""Do two proxies trust the same roots? istioctl: proxy-config rootca-compare, which fails on real dumps."""

from kubectl_mesh.diagnosis.config_dump import ConfigDump, listed
from kubectl_mesh.diagnosis.secrets import inline_bytes
from kubectl_mesh.errors import NotAvailable, NothingFound

_ROOT = "ROOTCA"
_MARK = b"-----BEGIN CERTIFICATE-----"


def share_a_root(one: ConfigDump, other: ConfigDump) -> bool:
    """Tell whether two proxies have a root certificate in common."""
    first, second = _roots(one), _roots(other)
    if not first or not second:
        raise NotAvailable("ROOTCA: the config dump has the name of the secret, but no certificates")
    return bool(first & second)


def _roots(dump: ConfigDump) -> frozenset[bytes]:
    for entry in listed(dump.section("SecretsConfigDump").get("dynamicActiveSecrets")):
        if entry.get("name") == _ROOT:
            context = (entry.get("secret") or {}).get("validationContext") or {}
            parts = inline_bytes(context.get("trustedCa")).split(_MARK)
            return frozenset(b"".join(part.split()) for part in parts[1:])
    raise NothingFound("cannot find ROOTCA from secret", hint="has the proxy started?")
