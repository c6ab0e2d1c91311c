"""Addresses, as far as the network between proxies needs them."""

import ipaddress
from collections.abc import Iterable

from simulator.model.addresses import is_address


def is_loopback(text: str) -> bool:
    """Tell whether a text is an address of the local host."""
    return is_address(text) and ipaddress.ip_address(text).is_loopback


def in_ranges(address: str, ranges: Iterable[str]) -> bool:
    """Tell whether an address is in one of some CIDRs; `*` stands for all."""
    for text in ranges:
        if text == "*":
            return True
        try:
            if ipaddress.ip_address(address) in ipaddress.ip_network(text, strict=False):
                return True
        except ValueError:
            continue
    return False


def endpoint(address: str, port: int) -> str:
    """Print address and port."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
