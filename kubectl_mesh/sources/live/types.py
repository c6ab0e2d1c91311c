"""Kinds → API paths: the version that this cluster serves, asked for once a group."""

import threading
from collections.abc import Iterator

from kubectl_mesh.sources.live.api import ApiServer
from kubectl_mesh.sources.live.failures import Missing
from simulator.manifests.kinds import Kind, kinds
from simulator.model.wire import Json

KUBERNETES_GATEWAY = "KubernetesGateway"
"""The Gateway API's kind `Gateway`; the plain word is Istio's."""


class ServedTypes:
    """Resource types of a cluster."""

    def __init__(self, api: ApiServer) -> None:
        self._api = api
        self._groups: dict[str, tuple[str, ...]] = {}
        self._unlisted: list[Kind] | None = None
        self._lock = threading.Lock()

    def find(self, kind: str) -> tuple[Kind, str] | None:
        """Return a kind and the path of its group in a served version; None when the cluster has no such kind."""
        for candidate in self._candidates(kind):
            if not candidate.group:
                return candidate, "/api/v1"
            served = self._versions(candidate.group)
            for version in (*candidate.versions, *served):
                if version in served:
                    return candidate, f"/apis/{candidate.group}/{version}"
        return None

    def _candidates(self, kind: str) -> Iterator[Kind]:
        name = "Gateway" if kind == KUBERNETES_GATEWAY else kind
        known = [each for (_, found), each in kinds().items() if found == name]
        if name == "Gateway":
            wanted = "gateway.networking.k8s.io" if kind == KUBERNETES_GATEWAY else "networking.istio.io"
            known = [each for each in known if each.group == wanted]
        if known:
            yield from known
            return
        yield from (each for each in self._others() if each.name == kind)

    def _versions(self, group: str) -> tuple[str, ...]:
        with self._lock:
            if group not in self._groups:
                self._groups[group] = self._ask(group)
            return self._groups[group]

    def _ask(self, group: str) -> tuple[str, ...]:
        try:
            document = self._api.get(f"/apis/{group}")
        except Missing:
            return ()
        preferred = (document.get("preferredVersion") or {}).get("version", "")
        listed = [str(each.get("version", "")) for each in document.get("versions") or ()]
        return tuple(dict.fromkeys([preferred, *listed])) if preferred else tuple(listed)

    def _others(self) -> list[Kind]:
        with self._lock:
            if self._unlisted is None:
                self._unlisted = list(self._discover())
            return self._unlisted

    def _discover(self) -> Iterator[Kind]:
        for group in self._api.get("/apis").get("groups") or ():
            version = (group.get("preferredVersion") or {}).get("version", "")
            if version:
                listed = self._api.get(f"/apis/{group['name']}/{version}").get("resources") or ()
                yield from (_kind(group["name"], version, each) for each in listed if "/" not in each.get("name", "/"))


def _kind(group: str, version: str, resource: Json) -> Kind:
    return Kind(
        group=group,
        versions=(version,),
        name=resource["kind"],
        plural=resource["name"],
        namespaced=bool(resource.get("namespaced")),
        short_names=tuple(resource.get("shortNames") or ()),
    )
