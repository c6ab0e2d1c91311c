from simulator.model.directory import Directory, ServiceRecord, Workload

SHARED = Workload(name="node-agent", namespace="kube-system", addresses=("10.0.0.1",), host_network=True)
OWN = Workload(name="web-1", namespace="shop", addresses=("10.0.0.1", "10.1.0.1"), owner="web", labels={"istio": "in"})


def test_names_are_searched_as_a_pod_does() -> None:
    """A name of few dots is tried below the pod's own namespace first; one that ends with a dot is complete."""
    directory = Directory()
    assert list(directory.search_path("web", "shop")) == [
        "web.shop.svc.cluster.local",
        "web.svc.cluster.local",
        "web.cluster.local",
        "web",
    ]
    assert next(directory.search_path("a.b.c.d.e.f", "shop")) == "a.b.c.d.e.f"
    assert list(directory.search_path("web.", "shop")) == ["web"]


def test_an_address_is_the_pods_own_before_the_nodes() -> None:
    """Pods on the host network share an address; whoever has it alone is meant."""
    directory = Directory(workloads=(SHARED, OWN))
    assert directory.workload_at("10.0.0.1") is OWN
    assert Directory(workloads=(SHARED,)).workload_at("10.0.0.1") is SHARED
    assert directory.workload_at("10.9.9.9") is None


def test_services_are_found_by_each_of_their_addresses() -> None:
    """A service answers at its virtual address and at its load balancer's."""
    record = ServiceRecord(
        host="web.shop.svc.cluster.local", namespace="shop", addresses=("10.96.0.1",), external_addresses=("192.0.2.1",)
    )
    directory = Directory(services={record.host: record})
    assert directory.service_at("10.96.0.1") is directory.service_at("192.0.2.1") is record
    assert directory.service_at("10.96.0.2") is None


def test_gateways_have_several_names() -> None:
    """A gateway is known by its pod, its owner, and its label `istio`."""
    assert OWN.gateway_names == {"web-1", "web", "in"}
