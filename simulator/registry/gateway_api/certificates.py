"""TLS settings of listeners, and whether the Secrets they name hold usable certificates.

istiod: pilot/pkg/config/kube/gateway/conversion.go (buildTLS), pilot/pkg/credentials/kube/secrets.go.
"""

import base64
import binascii
from dataclasses import dataclass

from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.gateway_api.references import GROUP, ReferenceGrants, referenced_kind
from simulator.registry.resource_index import ResourceIndex

_MODE = "gateway.istio.io/tls-terminate-mode"
_CIPHERS = "gateway.istio.io/tls-cipher-suites"
_MAX_CERTIFICATES = 2


class InvalidTlsError(Exception):
    """A listener's TLS settings cannot be used, so that istiod leaves the listener out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Finds the certificates that Gateways and ListenerSets refer to."""

    index: ResourceIndex
    grants: ReferenceGrants

    def settings(self, owner: Resource, tls: Json | None, *, frontend: Json, auto_passthrough: bool) -> Json | None:
        """Return the TLS settings of a server.

        `frontend` is the Gateway's validation of clients on the listener's port. Raises InvalidTlsError.
        """
        if tls is None:
            return None
        options = tls.get("options") or {}
        if (tls.get("mode") or "Terminate") == "Passthrough":
            settings: Json = {"mode": "AUTO_PASSTHROUGH" if auto_passthrough else "PASSTHROUGH"}
        else:
            chosen = options.get(_MODE)
            if chosen == "ISTIO_SIMPLE":
                return {"mode": "SIMPLE", "credentialName": "builtin://"}
            if chosen == "ISTIO_MUTUAL":
                return {"mode": "ISTIO_MUTUAL"}
            mode = chosen if chosen in ("MUTUAL", "OPTIONAL_MUTUAL") else "SIMPLE"
            settings = {"mode": mode, **self._credentials(owner, tls.get("certificateRefs") or [])}
            if references := (frontend.get("validation") or {}).get("caCertificateRefs"):
                settings |= {"mode": mode if mode != "SIMPLE" else "MUTUAL"}
                settings["caCertCredentialName"] = self._authority(owner, references)
        if ciphers := [name.strip() for name in (options.get(_CIPHERS) or "").split(",") if name.strip()]:
            settings["cipherSuites"] = ciphers
        return settings

    def _credentials(self, owner: Resource, references: list[Json]) -> Json:
        if len(references) > _MAX_CERTIFICATES:
            raise InvalidTlsError(f"more than {_MAX_CERTIFICATES} server certificates")
        names, problems = [], []
        for reference in references:
            try:
                names.append(self._credential(owner, reference))
            except InvalidTlsError as problem:
                names.append("")
                problems.append(str(problem))
        valid = [name for name in names if name]
        if problems and not valid:
            raise InvalidTlsError("; ".join(problems))
        if len(valid) < 2:
            return {"credentialName": names[0]} if valid and names[0] else {}
        return {"credentialNames": names}

    def _credential(self, owner: Resource, reference: Json) -> str:
        namespace, name = reference.get("namespace") or owner.namespace, reference.get("name") or ""
        if referenced_kind(reference, ("", "Secret")) != ("", "Secret"):
            raise InvalidTlsError(f"certificate reference {name} is no Secret")
        secret = self.index.get("Secret", namespace, name)
        if secret is None:
            raise InvalidTlsError(f"Secret {namespace}/{name} is not there")
        if not _holds_pair(_data(secret)):
            raise InvalidTlsError(f"Secret {namespace}/{name} holds no usable certificate and key")
        self._check_grant(owner, ("", "Secret"), namespace=namespace, name=name)
        return f"kubernetes-gateway://{namespace}/{name}"

    def _authority(self, owner: Resource, references: list[Json]) -> str:
        if len(references) > 1:
            raise InvalidTlsError("more than one caCertificateRef")
        reference = references[0]
        namespace, name = reference.get("namespace") or owner.namespace, reference.get("name") or ""
        kind = (reference.get("group") or "", reference.get("kind") or "")
        schemes = {("", "ConfigMap"): "configmap", ("", "Secret"): "kubernetes-gateway"}
        if kind not in schemes:
            raise InvalidTlsError(f"CA certificate reference {name} is neither Secret nor ConfigMap")
        resource = self.index.get(kind[1], namespace, name)
        if resource is None or not holds_authority(resource):
            raise InvalidTlsError(f"{kind[1]} {namespace}/{name} holds no CA certificate")
        self._check_grant(owner, kind, namespace=namespace, name=name)
        return f"{schemes[kind]}://{namespace}/{name}-cacert"

    def _check_grant(self, owner: Resource, kind: tuple[str, str], *, namespace: str, name: str) -> None:
        if namespace == owner.namespace:
            return
        origin = (GROUP, owner.kind)
        if not self.grants.allow(origin, owner.namespace, target=kind, target_namespace=namespace, name=name):
            raise InvalidTlsError(f"{kind[1]} {namespace}/{name} is not granted to {owner.ref}")


def holds_authority(resource: Resource) -> bool:
    """Tell whether a Secret or ConfigMap holds a CA certificate."""
    from cryptography import x509

    data = _data(resource) if resource.kind == "Secret" else _texts(resource)
    bundle = data.get("cacert") or data.get("ca.crt")
    try:
        return bool(bundle and x509.load_pem_x509_certificates(bundle))
    except ValueError:
        return False


def _texts(resource: Resource) -> dict[str, bytes]:
    return {key: str(value).encode() for key, value in (resource.document.get("data") or {}).items()}


def _data(secret: Resource) -> dict[str, bytes]:
    data: dict[str, bytes] = {}
    for key, value in (secret.document.get("data") or {}).items():
        try:
            data[key] = base64.b64decode(str(value), validate=False)
        except (binascii.Error, ValueError):
            continue
    texts = secret.document.get("stringData") or {}
    return data | {key: str(value).encode() for key, value in texts.items()}


def _holds_pair(data: dict[str, bytes]) -> bool:
    """Tell whether a certificate and its key are there, under generic names or those of TLS Secrets."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    for certificate, key in (("cert", "key"), ("tls.crt", "tls.key")):
        if data.get(certificate) and data.get(key):
            try:
                public = x509.load_pem_x509_certificates(data[certificate])[0].public_key()
                private = load_pem_private_key(data[key], password=None).public_key()
            except (ValueError, TypeError, IndexError):
                return False
            form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return public.public_bytes(*form) == private.public_bytes(*form)
    return False
