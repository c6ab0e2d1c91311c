"""A certificate authority derived from a seed: equal seeds give equal certificates, so that keys need no storage.

Keys are elliptic-curve keys, which can be derived from a number; signatures are deterministic ECDSA (RFC 6979).
Servers that only their own clients need to trust use a random seed.
"""

import datetime
import hashlib
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, GeneralName, KeyUsage

_LIFETIME = datetime.timedelta(days=3650)
_OF_WORKLOADS = datetime.timedelta(hours=24)
_ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate chain and its key, as PEM; the key is kept out of `repr`."""

    chain: bytes
    _key: bytes

    def __repr__(self) -> str:
        return "Identity()"

    def server_context(self) -> ssl.SSLContext:
        """Return a TLS context that presents this identity."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        # ssl reads keys from files only: this one is private to its owner and removed as soon as it is read.
        descriptor, path = tempfile.mkstemp(prefix="identity-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self.chain + self._key)
            context.load_cert_chain(path)
        finally:
            os.unlink(path)
        return context

    def for_grpc(self) -> tuple[bytes, bytes]:
        """Return key and chain as grpc's server credentials take them."""
        return self._key, self.chain


class Authority:
    """Issues certificates under a root of its own."""

    def __init__(self, seed: bytes, *, now: datetime.datetime, name: str = "kubernetes") -> None:
        self._seed = seed
        self._start = now.replace(microsecond=0) - datetime.timedelta(minutes=5)
        self._name = name
        self._key = self._derive("root")
        self._root = self._certificate(name, "root", authority=True)

    @property
    def root(self) -> bytes:
        """The root certificate as PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding

        return self._root.public_bytes(Encoding.PEM)

    def issue(self, name: str, *, hosts: Sequence[str]) -> Identity:
        """Return the identity of a server with the names or addresses in `hosts`."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        certificate = self._certificate(name, f"server/{name}/{','.join(hosts)}", hosts=hosts)
        key = self._derive(f"server/{name}/{','.join(hosts)}")
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Identity(certificate.public_bytes(Encoding.PEM) + self.root, pem)

    def vouch(self, identity: str, *, now: datetime.datetime) -> bytes:
        """Return the certificate chain of a workload's SPIFFE identity as PEM, renewed after half of its lifetime."""
        from cryptography.hazmat.primitives.serialization import Encoding

        half = _OF_WORKLOADS / 2
        start = self._start + max(0, (now - self._start) // half) * half
        purpose = f"workload/{identity}/{start.isoformat()}"
        certificate = self._certificate("", purpose, uris=(identity,), start=start, lifetime=_OF_WORKLOADS)
        return certificate.public_bytes(Encoding.PEM) + self.root

    def _number(self, purpose: str) -> int:
        return int.from_bytes(hashlib.sha512(self._seed + b"/" + purpose.encode()).digest(), "big")

    def _derive(self, purpose: str) -> "EllipticCurvePrivateKey":
        from cryptography.hazmat.primitives.asymmetric import ec

        return ec.derive_private_key(self._number(purpose) % (_ORDER_OF_P256 - 1) + 1, ec.SECP256R1())

    def _certificate(
        self,
        name: str,
        purpose: str,
        *,
        hosts: Sequence[str] = (),
        uris: Sequence[str] = (),
        authority: bool = False,
        start: datetime.datetime | None = None,
        lifetime: datetime.timedelta = _LIFETIME,
    ) -> "Certificate":
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

        def named(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])

        public = (self._key if authority else self._derive(purpose)).public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named(self._name))
            .public_key(public)
            .serial_number(self._number(f"serial/{purpose}") >> 400 or 1)
            .not_valid_before(start or self._start)
            .not_valid_after((start or self._start) + lifetime)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(_usage(authority=authority), critical=True)
        )
        names = [*map(_name, hosts), *map(x509.UniformResourceIdentifier, uris)]
        if names:
            # RFC 5280: where the subject is empty, its other names are critical
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not name)
            usages = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if uris else [])]
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return builder.sign(self._key, hashes.SHA256(), ecdsa_deterministic=True)


def _usage(*, authority: bool) -> "KeyUsage":
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(host: str) -> "GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
