"""Names, addresses and nodes that depend only on the identity of the object that they are for.

A Kubernetes cluster hands these out in the order of requests. Here they come from hashes of the owner's identity, so
that one more service changes no other, and the difference between two meshes shows only what the change caused.
"""

from collections.abc import Iterable
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes' own: no vowels, so no words
_MOST_TRIES = 10_000

POD_NETWORKS = (IPv4Network("10.128.0.0/9"), IPv6Network("fd00:10:244::/64"))
SERVICE_NETWORKS = (IPv4Network("10.96.0.0/12"), IPv6Network("fd00:10:96::/108"))
NODE_NETWORKS = (IPv4Network("172.18.0.0/16"), IPv6Network("fc00:f853:ccd:e793::/64"))
SERVICE_ENTRY_NETWORKS = (IPv4Network("240.240.0.0/16"), IPv6Network("2001:2::/48"))
LOAD_BALANCER_NETWORK = IPv4Network("198.18.0.0/15")  # reserved for benchmarks (RFC 2544)


def number(*identity: object) -> int:
    """Return a large number that is the same for the same identity, in any process."""
    text = "\0".join(map(str, identity))
    return int.from_bytes(sha256(text.encode("utf-8", "surrogatepass")).digest()[:16], "big")


def suffix(length: int, *identity: object) -> str:
    """Return a suffix such as Kubernetes appends to names."""
    value = number(*identity)
    letters = []
    for _ in range(length):
        value, index = divmod(value, len(_ALPHABET))
        letters.append(_ALPHABET[index])
    return "".join(letters)


def uid(*identity: object) -> str:
    """Return a UID in the form of a UUID."""
    text = f"{number('uid', *identity):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


class Pool:
    """Numbers of a range, each given to one identity.

    Callers ask in sorted order of the identities: where two hash to the same number, the first keeps it.
    """

    def __init__(self, size: int, *, taken: Iterable[int] = ()) -> None:
        self._size = size
        self._taken = set(taken)

    def take(self, *identity: object) -> int:
        """Return the number of an identity: always the same, unless it is taken."""
        for attempt in range(_MOST_TRIES):
            value = number(*identity, attempt) % self._size
            if value not in self._taken:
                break
        else:
            value = next((free for free in range(self._size) if free not in self._taken), 0)
        self._taken.add(value)
        return value


class AddressPool:
    """Addresses of a network, each given to one identity; the first and last ones are never used."""

    _RESERVED = 16

    def __init__(self, network: IPv4Network | IPv6Network, *, taken: Iterable[str] = ()) -> None:
        self._first = int(network.network_address) + self._RESERVED
        used = (_address(text) for text in taken)
        self._version = network.version
        self._pool = Pool(
            network.num_addresses - 2 * self._RESERVED,
            taken=(value - self._first for version, value in used if version == network.version),
        )

    def take(self, *identity: object) -> str:
        """Return the address of an identity."""
        value = self._first + self._pool.take(*identity)
        return str(IPv4Address(value) if self._version == 4 else IPv6Address(value))


def _address(text: str) -> tuple[int, int]:
    try:
        address = ip_address(text)
    except ValueError:
        return 0, 0
    return address.version, int(address)
