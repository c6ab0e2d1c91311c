"""Services that an expectation names and the mesh does not have, most likely because they are misspelt."""

from collections.abc import Iterator
from difflib import get_close_matches

from kubectl_mesh.diagnosis.predictor import Predictor
from kubectl_mesh.meshtest.judging import is_host
from kubectl_mesh.meshtest.model import Expectation


def strangers(predictor: Predictor, expect: Expectation, *, namespace: str) -> Iterator[str]:
    """Yield a line for each expected service that does not exist, with a similar name that does."""
    wanted = [*((expect.destination,) if expect.destination else ()), *(each for each, _ in expect.split)]
    hosts = predictor.directory.services
    for name in dict.fromkeys(each.service for each in wanted if each.service):
        if any(is_host(name, host, namespace) for host in hosts):
            continue
        close = get_close_matches(name, {_written(host, like=name) for host in hosts}, n=1)
        yield f"there is no service {name}" + (f"; did you mean {close[0]}?" if close else "")


def _written(host: str, *, like: str) -> str:
    """Return a host in the form of another: `namespace/name`, `name`, or the whole host."""
    name, _, rest = host.partition(".")
    home, _, suffix = rest.partition(".")
    if not suffix.startswith("svc."):
        return host
    return f"{home}/{name}" if "/" in like else host if "." in like else name
