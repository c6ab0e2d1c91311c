"""Addresses and CIDR ranges as Envoy's documents spell them.

Envoy: envoy/config/core/v3/address.proto, source/common/network/cidr_range.cc.
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from simulator.envoy.documents import UnreadableDocument, child, integer, text
from simulator.model.wire import Json

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@lru_cache(maxsize=4096)
def parse_ip(address: str) -> IpAddress | None:
    """Read an IP address, IPv4-mapped ones as IPv4; None for anything else."""
    try:
        ip = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip


def prefix_length_if_inside(cidr: Json, ip: IpAddress) -> int | None:
    """Return the length of a CidrRange that contains `ip`; None when it does not."""
    start = parse_ip(text(cidr, "address_prefix"))
    if start is None:
        raise UnreadableDocument(f"address_prefix: {text(cidr, 'address_prefix')!r:.60} is no address")
    length = integer(cidr, "prefix_len")
    if start.version != ip.version:
        return None
    try:
        network = ipaddress.ip_network((start, length), strict=False)
    except ValueError:
        raise UnreadableDocument(f"prefix_len: {length} does not fit {start}") from None
    return length if ip in network else None


def longest_prefix(ranges: Iterable[Json], address: str) -> int | None:
    """Return the length of the longest of some CidrRanges that contain an address; None when none does."""
    ip = parse_ip(address)
    if ip is None:
        return None
    lengths = [length for cidr in ranges if (length := prefix_length_if_inside(cidr, ip)) is not None]
    return max(lengths, default=None)


def is_inside(cidr: Json, address: str) -> bool:
    """Tell whether a CidrRange contains an address."""
    return longest_prefix((cidr,), address) is not None


def describe_cidr(cidr: Json) -> str:
    """Print a CidrRange for people."""
    return f"{text(cidr, 'address_prefix')}/{integer(cidr, 'prefix_len')}"


def socket_address(address: Json) -> tuple[str, int] | None:
    """Return host and port of an Address; None for pipes and internal addresses."""
    socket = child(address, "socket_address")
    return (text(socket, "address"), integer(socket, "port_value")) if socket else None


def join(address: str, port: int) -> str:
    """Print host and port, an IPv6 address in brackets."""
    return f"[{address}]:{port}" if ":" in address and not address.startswith("[") else f"{address}:{port}"
