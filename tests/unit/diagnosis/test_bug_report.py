"""The contents of a bug report."""

import pytest

from kubectl_mesh.diagnosis.bug_report import chosen, clean
from simulator.model.proxies import ProxyId

KEY = b"-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "secret",
    [KEY, b"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl", b"Authorization: Bearer abcdef0123456789"],
)
def test_credentials_are_taken_out(secret: bytes) -> None:
    """Keys and tokens are replaced, what stands around them stays."""
    found = clean(b"before " + secret + b" after")
    assert found.startswith(b"before ")
    assert found.endswith(b"[redacted] after")
    assert secret.split()[-1] not in found


def test_proxies_are_chosen_by_namespace() -> None:
    """Namespaces may be named or left out."""
    proxies = [ProxyId("a", "shop"), ProxyId("b", "payments"), ProxyId("c", "kube-system")]
    assert chosen(proxies, include=("shop",), exclude=()) == proxies[:1]
    assert chosen(proxies, include=(), exclude=("kube-system",)) == proxies[:2]
