"""The contents of a bug report besides a bundle: more pages of istiod and of proxies, and the last lines of logs.

istioctl: tools/bug-report. Everything is stored under `report/`, beside the files of the bundle, without credentials.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from kubectl_mesh.diagnosis.lookup import labels, name_of, namespace_of, spec
from kubectl_mesh.diagnosis.ztunnel_pods import is_ztunnel
from kubectl_mesh.errors import MeshError, NotAvailable
from kubectl_mesh.sources.base import MeshSource, PodLogs
from simulator.model.proxies import ProxyId
from simulator.model.wire import Json

ISTIOD_PAGES = tuple(
    f"debug/{name}"
    for name in (
        *("adsz", "authorizationz", "cachez", "configz", "endpointShardz", "endpointz", "inject", "instancesz"),
        *("mcsz", "mesh", "networkz", "push_status", "registryz", "resourcesz", "telemetryz"),
    )
)
PROXY_PAGES = ("certs", "listeners", "memory", "runtime", "stats/prometheus")
REDACTED = b"[redacted]"
_CONTAINERS = ("istio-proxy", "discovery")
_CREDENTIALS = (
    re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL),
    re.compile(rb"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # a JSON Web Token
    re.compile(rb"(?i)(?<=authorization: )(?:bearer|basic) \S+"),
)
T = TypeVar("T")
Missed = Callable[[str], None]


def pages(source: MeshSource, proxies: Sequence[ProxyId], *, lines: int, missed: Missed) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of the files of a report; pages without an answer are reported to `missed` and left out."""
    for path in ISTIOD_PAGES:
        for pod, answer in (_asked(partial(source.istiod, path), f"istiod {path}", missed) or {}).items():
            yield f"report/istiod/{pod}/{_file(path)}", clean(answer)
    for proxy in proxies:
        for path in PROXY_PAGES:
            data = _asked(partial(source.envoy, proxy, path), f"{proxy} {path}", missed)
            if data is not None:
                yield f"report/proxies/{proxy.namespace}/{proxy.name}/{_file(path)}", clean(data)
    if isinstance(source, PodLogs):
        yield from _logs(source, source, set(proxies), lines=lines, missed=missed)


def _logs(
    source: MeshSource, logs: PodLogs, proxies: set[ProxyId], *, lines: int, missed: Missed
) -> Iterator[tuple[str, bytes]]:
    for pod in source.resources("Pod"):
        one = ProxyId(name_of(pod), namespace_of(pod))
        if one not in proxies and not is_ztunnel(pod) and labels(pod).get("app") != "istiod":
            continue
        for container in _containers(pod):
            data = _asked(partial(logs.pod_log, one, container, lines=lines), f"log of {one} {container}", missed)
            if data is not None:
                yield f"report/logs/{one.namespace}/{one.name}/{container}.log", clean(data)


def _containers(pod: Json) -> list[str]:
    found = [*(spec(pod).get("containers") or ()), *(spec(pod).get("initContainers") or ())]
    return [str(each["name"]) for each in found if each.get("name") in _CONTAINERS]


def clean(data: bytes) -> bytes:
    """Return a text without private keys and tokens."""
    for pattern in _CREDENTIALS:
        data = pattern.sub(REDACTED, data)
    return data


def _asked(ask: Callable[[], T], subject: str, missed: Missed) -> T | None:
    try:
        return ask()
    except NotAvailable:
        return None  # this kind of source never has it
    except MeshError as error:
        missed(f"{subject}: {error}")
        return None


def _file(path: str) -> str:
    return quote(path, safe="")


def chosen(proxies: Sequence[ProxyId], *, include: Sequence[str], exclude: Sequence[str]) -> list[ProxyId]:
    """Return the proxies in the namespaces of `include`; without any, in all that `exclude` does not name."""
    return [one for one in proxies if (not include or one.namespace in include) and one.namespace not in exclude]
