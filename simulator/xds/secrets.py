"""The secrets that a proxy asks for: their names, since certificates and keys are not simulated.

Envoy fetches each secret that a TLS context refers to; istiod serves credentials of Gateways and DestinationRules, the
agent the workload's own.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from simulator.model.wire import Json

_SECRET_TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
_CERTIFICATES = "tls_certificate_sds_secret_configs"
_VALIDATION = ("validation_context_sds_secret_config",)


def secret_names(resources: Iterable[Any]) -> tuple[str, ...]:
    """Return the names of the secrets that listeners and clusters refer to, sorted; the workload's own come first."""
    names = {name for resource in resources for name in _names(resource)}
    return tuple(sorted(names, key=lambda name: (name not in ("default", "ROOTCA"), name)))


def secret(name: str) -> Json:
    """Return a secret without its content."""
    return {"@type": _SECRET_TYPE, "name": name}


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _names(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == _CERTIFICATES:
                yield from (entry["name"] for entry in item if entry.get("name"))
            elif key in _VALIDATION:
                if item.get("name"):
                    yield item["name"]
            elif isinstance(item, dict | list):
                yield from _names(item)
