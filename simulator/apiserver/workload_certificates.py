"""The certificates of proxies and ztunnels, issued by the served mesh's own CA, without their keys.

A dump generated from manifests alone names secrets and leaves them empty; in a served proxy's dump, the workload's
own certificate, which the agent gets from istiod's CA, is filled in.
Envoy: docs/root/operations/admin.rst (private keys are redacted in dumps). ztunnel: src/identity/manager.rs,
src/tls/certificate.rs (the dump's `certificates`).
"""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from simulator.apiserver.tls import Authority, Identity
from simulator.istiod.dump_views import section
from simulator.model.wire import Json

OWN, ROOT = "default", "ROOTCA"
_SECRETS = "type.googleapis.com/envoy.admin.v3.SecretsConfigDump"
_REDACTED = {"inline_bytes": base64.b64encode(b"[redacted]").decode()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate as dumps show it."""

    pem: bytes
    serial: int
    start: datetime
    end: datetime


class WorkloadCertificates:
    """Issues the certificates of the mesh and writes them into dumps."""

    def __init__(self, seed: bytes, now: Callable[[], datetime]) -> None:
        self._authority = Authority(seed + b"/mesh", now=now(), name="cluster.local")
        self.now = now

    @property
    def root(self) -> bytes:
        """The root certificate as PEM, which istiod puts into every namespace as `istio-ca-root-cert`."""
        return self._authority.root

    def istiod(self, namespace: str) -> Identity:
        """Return the certificate and key with which istiod serves its webhooks."""
        hosts = (f"istiod.{namespace}.svc", f"istiod.{namespace}.svc.cluster.local", "localhost")
        return self._authority.issue("istiod", hosts=hosts)

    def in_envoy(self, dump: Json, *, trust_domain: str) -> Json:
        """Return a proxy's config dump with its own certificate and the root it trusts filled in."""
        secrets = section(dump, "SecretsConfigDump")
        active = secrets.get("dynamic_active_secrets") or ()
        empty = {each.get("name") for each in active if not _content(each)} & {OWN, ROOT}
        if not empty:
            return dump
        node = (section(dump, "BootstrapConfigDump").get("bootstrap") or {}).get("node") or {}
        metadata = node.get("metadata") or {}
        identity = _identity(trust_domain, metadata.get("NAMESPACE", ""), metadata.get("SERVICE_ACCOUNT", ""))
        content = {OWN: self._own(identity), ROOT: {"validation_context": {"trusted_ca": _inline(self.root)}}}
        filled = [
            each | {"secret": each["secret"] | content[each["name"]]} if each.get("name") in empty else each
            for each in active
        ]
        changed = secrets | {"dynamic_active_secrets": filled}
        return dump | {
            "configs": [changed if each.get("@type") == _SECRETS else each for each in dump.get("configs") or ()]
        }

    def in_ztunnel(self, dump: Json) -> Json:
        """Return a ztunnel's dump with the certificates of its identities filled in."""
        return dump | {"certificates": [each | self._chain(each["identity"]) for each in dump["certificates"]]}

    def _own(self, identity: str) -> Json:
        chain = self._authority.vouch(identity, now=self.now())
        return {"tls_certificate": {"certificate_chain": _inline(chain), "private_key": _REDACTED}}

    def _chain(self, identity: str) -> Json:
        leaf, *above = read(self._authority.vouch(identity, now=self.now()))
        return {"certChain": [_shown(leaf)], "rootCerts": [_shown(each) for each in above]}


@lru_cache(maxsize=1024)
def read(chain: bytes) -> tuple[Issued, ...]:
    """Return the certificates of a PEM text, in order."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    return tuple(
        Issued(
            pem=each.public_bytes(Encoding.PEM),
            serial=each.serial_number,
            start=each.not_valid_before_utc,
            end=each.not_valid_after_utc,
        )
        for each in x509.load_pem_x509_certificates(chain)
    )


def _identity(trust_domain: str, namespace: str, account: str) -> str:
    return f"spiffe://{trust_domain or 'cluster.local'}/ns/{namespace}/sa/{account or 'default'}"


def _content(entry: Json) -> Iterable[str]:
    return (entry.get("secret") or {}).keys() - {"@type", "name"}


def _inline(pem: bytes) -> Json:
    return {"inline_bytes": base64.b64encode(pem).decode()}


def _shown(each: Issued) -> Json:
    return {
        "pem": base64.b64encode(each.pem).decode(),
        "serialNumber": str(each.serial),
        "validFrom": _time(each.start),
        "expirationTime": _time(each.end),
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
