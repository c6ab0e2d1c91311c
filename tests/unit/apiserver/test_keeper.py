import asyncio
from collections.abc import Awaitable, Callable, Sequence

from simulator.apiserver.emulator import Emulator
from simulator.apiserver.keeper import Keeper
from simulator.apiserver.objects import Target
from simulator.apiserver.simulated import SimulatedWorld, installed
from simulator.apiserver.storage import Key, ObjectStore
from simulator.apiserver.world import World
from simulator.manifests.reading import parse_manifests
from simulator.model.resources import Resource
from simulator.model.wire import Json

TIME = "2026-01-01T00:00:00Z"
SHOP = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: web:1}]}
"""


class Rig:
    """A keeper with its emulator, and the number of times that the world was derived."""

    def __init__(self, text: str = SHOP) -> None:
        self.derived = 0
        self.fails = False

        def derive(resources: Sequence[Resource]) -> World:
            self.derived += 1
            if self.fails:
                raise ValueError("no such mesh")
            return SimulatedWorld(resources)

        self.store = ObjectStore(lambda: TIME)
        self.keeper = Keeper(self.store, derive, installed(parse_manifests(text)))
        self.emulator = Emulator(self.keeper, lambda: TIME)

    def target(self, kind: str, name: str = "", namespace: str = "shop", group: str = "") -> Target:
        """Return a target by kind."""
        found = self.keeper.catalog.of(group, kind)
        assert found is not None
        scope = namespace if found.kind.namespaced else ""
        return Target(type=found, version=found.kind.versions[0], namespace=scope, name=name)

    def names(self, resource: str, namespace: str = "shop") -> list[str]:
        """Return the names of stored objects."""
        return [key.name for key, _ in self.store.list(resource, namespace)]

    def document(self, resource: str, name: str, namespace: str = "shop") -> Json:
        """Return a stored object."""
        found = self.store.get(Key(resource, namespace, name))
        assert found is not None
        return found


def run(work: Callable[[Rig], Awaitable[None]]) -> None:
    """Run a test's work in an event loop, with a rig made in it."""

    async def body() -> None:
        rig = Rig()
        await work(rig)
        await rig.keeper.close()

    asyncio.run(body())


def test_controllers_objects_are_there_from_the_start() -> None:
    """Pods, ReplicaSets, statuses, system namespaces, accounts and CRDs exist before the first request."""

    async def work(rig: Rig) -> None:
        assert len(rig.names("pods")) == 2
        assert rig.document("deployments.apps", "web")["status"]["readyReplicas"] == 2
        assert rig.document("namespaces", "kube-system", "")["status"]["phase"] == "Active"
        assert "default" in rig.names("serviceaccounts")
        assert "virtualservices.networking.istio.io" in rig.names("customresourcedefinitions.apiextensions.k8s.io", "")
        assert any(name.startswith("istiod-") for name in rig.names("pods", "istio-system"))

    run(work)


def test_a_change_of_a_workload_changes_its_pods() -> None:
    """Scaling makes and removes pods, as MODIFIED and DELETED events and not by making all anew."""

    async def work(rig: Rig) -> None:
        before = rig.names("pods")
        target = rig.target("Deployment", "web", group="apps")
        rig.emulator.patch(target, "application/merge-patch+json", {"spec": {"replicas": 3}}, {})
        start = rig.store.revision
        await rig.keeper.world()
        assert set(before) < set(rig.names("pods"))
        touched = {event.key.name for event in rig.store.since(start) if event.key.resource == "pods"}
        assert touched.isdisjoint(before)
        rig.emulator.delete(target, {}, {})
        await rig.keeper.world()
        assert rig.names("pods") == rig.names("replicasets.apps") == []

    run(work)


def test_many_changes_are_one_derivation() -> None:
    """Changes that come fast are derived together."""

    async def work(rig: Rig) -> None:
        derived = rig.derived
        for number in range(50):
            rig.emulator.create(rig.target("Service"), {"metadata": {"name": f"s{number}"}, "spec": {}}, {})
        await rig.keeper.world()
        assert rig.derived - derived <= 2
        assert rig.document("services", "s7")["spec"]["clusterIP"]

    run(work)


def test_a_deleted_pod_comes_back_as_another() -> None:
    """Its controller replaces a pod that a user deletes: the same name, a new uid."""

    async def work(rig: Rig) -> None:
        name = rig.names("pods")[0]
        uid = rig.document("pods", name)["metadata"]["uid"]
        rig.emulator.delete(rig.target("Pod", name), {}, {})
        assert name not in rig.names("pods")
        await rig.keeper.world()
        assert rig.document("pods", name)["metadata"]["uid"] != uid

    run(work)


def test_a_pod_that_a_user_changes_stays_changed() -> None:
    """A label put on a pod survives later derivations; neither its siblings nor istiod vanish."""

    async def work(rig: Rig) -> None:
        pods, plane = rig.names("pods"), rig.names("pods", "istio-system")
        labels = {"metadata": {"labels": {"canary": "yes"}}}
        rig.emulator.patch(rig.target("Pod", pods[0]), "application/merge-patch+json", labels, {})
        await rig.keeper.world()
        assert rig.names("pods") == pods
        assert rig.names("pods", "istio-system") == plane
        assert rig.document("pods", pods[0])["metadata"]["labels"]["canary"] == "yes"
        target = rig.target("Deployment", "web", group="apps")
        rig.emulator.patch(target, "application/merge-patch+json", {"spec": {"replicas": 4}}, {})
        await rig.keeper.world()
        assert len(rig.names("pods")) == 4

    run(work)


def test_a_mesh_that_cannot_be_derived_leaves_the_last_one() -> None:
    """The API goes on when the simulator cannot follow, and says why."""

    async def work(rig: Rig) -> None:
        world = await rig.keeper.world()
        rig.fails = True
        rig.emulator.create(rig.target("Service"), {"metadata": {"name": "s"}, "spec": {}}, {})
        assert await rig.keeper.world() is world
        assert rig.keeper.problem == "no such mesh"
        rig.fails = False
        rig.emulator.create(rig.target("Service"), {"metadata": {"name": "t"}, "spec": {}}, {})
        assert await rig.keeper.world() is not world
        assert rig.keeper.problem == ""

    run(work)


def test_manifests_without_dates_are_derived_without_dates() -> None:
    """Creation times that the server adds do not decide which of two resources is older."""

    async def work(rig: Rig) -> None:
        patch = {"metadata": {"labels": {"x": "y"}}}
        rig.emulator.patch(rig.target("Deployment", "web", group="apps"), "application/merge-patch+json", patch, {})
        world = await rig.keeper.world()
        (web,) = [one for one in world.state if one.kind == "Deployment" and one.name == "web"]
        assert web.created == ""
        assert rig.document("deployments.apps", "web")["metadata"]["creationTimestamp"] == TIME

    run(work)


def test_a_deleted_namespace_takes_everything_with_it() -> None:
    """Nothing of a namespace is left, given or derived."""

    async def work(rig: Rig) -> None:
        rig.emulator.delete(rig.target("Namespace", "shop"), {}, {})
        await rig.keeper.world()
        assert [key for key in rig.store.all_keys() if key.namespace == "shop"] == []

    run(work)
