import pytest

from simulator.model.proxies import ProxyId
from simulator.model.resources import ObjectRef
from simulator.model.services import Registry, Resolution, Service
from simulator.xds.virtual_host_domains import AddressTraits, proxy_addresses
from tests.unit.xds.shop import CLIENT, hosts, mesh, route_configuration, virtual_service

HEADLESS = """
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {clusterIP: None, selector: {app: db}, ports: [{name: http, port: 80}]}
"""


def test_domains_of_near_and_far_services() -> None:
    """A service of the client's namespace has a short name; all have their spellings, an absolute one and the VIP."""
    found = hosts(mesh(), "80")
    assert found["web.shop.svc.cluster.local:80"]["domains"] == [
        "web.shop.svc.cluster.local",
        "web.shop.svc.cluster.local.",
        "web",
        "web.shop.svc",
        "web.shop",
        "10.96.7.1",
    ]
    assert found["pay.bank.svc.cluster.local:80"]["domains"] == [
        "pay.bank.svc.cluster.local",
        "pay.bank.svc.cluster.local.",
        "pay.bank",
        "pay.bank.svc",
        "10.96.7.3",
    ]


@pytest.mark.parametrize(
    ("families", "every_family", "expected"),
    [
        ((4,), False, ("10.0.0.1",)),
        ((6,), False, ("fd00::1",)),
        ((4, 6), False, ("fd00::1",)),
        ((4, 6), True, ("fd00::1", "10.0.0.1")),
    ],
)
def test_addresses_of_the_proxys_families(
    families: tuple[int, ...], every_family: bool, expected: tuple[str, ...]
) -> None:
    """A proxy is told addresses it can dial; one with both families those of the family that the service has first."""
    service = Service(
        host="web.shop.svc.cluster.local",
        name="web",
        namespace="shop",
        registry=Registry.KUBERNETES,
        source=ObjectRef(kind="Service", namespace="shop", name="web"),
        ports=(),
        resolution=Resolution.CLIENT_SIDE_LB,
        addresses=("fd00::1", "10.0.0.1"),
    )
    traits = AddressTraits(ipv4=4 in families, ipv6=6 in families, every_family=every_family)
    assert proxy_addresses(service, traits, single_auto=True) == expected


def test_headless_services_answer_for_their_pods() -> None:
    """A headless service has each domain also as a wildcard, and no address."""
    domains = hosts(mesh(HEADLESS), "80")["db.shop.svc.cluster.local:80"]["domains"]
    assert domains[:2] == ["db.shop.svc.cluster.local", "db.shop.svc.cluster.local."]
    assert "*.db" in domains
    assert not any(domain[0].isdigit() for domain in domains)


def test_external_names_are_spellings_of_their_target() -> None:
    """An ExternalName service adds its names to the service it stands for and has no host of its own."""
    alias = """
    apiVersion: v1
    kind: Service
    metadata: {name: shopfront, namespace: shop}
    spec: {type: ExternalName, externalName: web.shop.svc.cluster.local, ports: [{name: http, port: 80}]}
    """
    found = hosts(mesh(alias), "80")
    assert "shopfront" in found["web.shop.svc.cluster.local:80"]["domains"]
    assert "shopfront.shop.svc.cluster.local:80" not in found


def test_catch_all_comes_last() -> None:
    """Virtual hosts are sorted by name, and the one for unknown hosts comes last."""
    names = list(hosts(mesh(), "80"))
    assert names[:-1] == sorted(names[:-1])
    assert names[-1] == "allow_any"


@pytest.mark.parametrize("policy", ["{mode: REGISTRY_ONLY}", "{}"])
def test_registry_only_blocks_the_rest(policy: str) -> None:
    """With REGISTRY_ONLY, which is what an empty policy of a Sidecar means, the proxy itself answers unknown hosts."""
    sidecar = f"""
    apiVersion: networking.istio.io/v1
    kind: Sidecar
    metadata: {{name: default, namespace: shop}}
    spec: {{outboundTrafficPolicy: {policy}, egress: [{{hosts: ['*/*']}}]}}
    """
    last = hosts(mesh(sidecar), "80")["block_all"]
    assert last["routes"][0]["direct_response"] == {"status": 502}


def test_a_port_of_udp_hides_none_of_tcp() -> None:
    """A service may have a number twice, for UDP and TCP: HTTP goes to the port of TCP wherever it stands."""
    both = """
    apiVersion: v1
    kind: Service
    metadata: {name: quic, namespace: shop}
    spec:
      clusterIP: 10.96.7.8
      ports: [{name: h3, port: 8443, protocol: UDP}, {name: http, port: 8443}]
    """
    assert "quic.shop.svc.cluster.local:8443" in hosts(mesh(both), "8443")


def test_sniffed_ports_answer_to_any_name() -> None:
    """The address already chose a sniffed service, so its configuration has one host for every name."""
    auto = """
    apiVersion: v1
    kind: Service
    metadata: {name: auto, namespace: shop}
    spec: {clusterIP: 10.96.7.9, ports: [{port: 7000}]}
    """
    made = mesh(auto)
    (host,) = route_configuration(made, "auto.shop.svc.cluster.local:7000")["virtual_hosts"]
    assert host["domains"] == ["*"]


def test_the_most_specific_wildcard_owns_a_service() -> None:
    """Of two wildcard rules the longer one routes a service; the other makes no host of it."""
    made = mesh(
        virtual_service(
            "[{name: wide, route: [{destination: {host: items}}]}]", hosts="['*.cluster.local']", name="wide"
        ),
        virtual_service(
            "[{name: narrow, route: [{destination: {host: items}}]}]",
            hosts="['*.shop.svc.cluster.local']",
            name="narrow",
        ),
    )
    found = hosts(made, "80")
    assert found["web.shop.svc.cluster.local:80"]["routes"][0]["name"] == "narrow"
    assert found["pay.bank.svc.cluster.local:80"]["routes"][0]["name"] == "wide"


def test_hosts_outside_the_registry_need_port_80() -> None:
    """A rule for unregistered hosts takes effect on port 80 only."""
    made = mesh(virtual_service("[{route: [{destination: {host: web}}]}]", hosts="[shop.example.org]"))
    assert "shop.example.org:80" in hosts(made, "80")
    assert "shop.example.org:9000" not in hosts(made, "9000")


TWINS = """
apiVersion: v1
kind: Pod
metadata: {name: twin, namespace: shop, labels: {app: twin, tier: front}}
spec: {containers: [{name: app, image: example.test/twin}]}
---
apiVersion: v1
kind: Pod
metadata: {name: cousin, namespace: shop, labels: {app: cousin, tier: back}}
spec: {containers: [{name: app, image: example.test/cousin}]}
"""


def test_alike_proxies_share_their_configuration() -> None:
    """Proxies of one scope hold the very same routes; labels make a difference only where a rule selects on them."""
    twin, cousin = ProxyId("twin", "shop"), ProxyId("cousin", "shop")
    plain = mesh(TWINS)
    assert route_configuration(plain, "80", twin) is route_configuration(plain, "80", CLIENT)
    assert route_configuration(plain, "80", cousin) is route_configuration(plain, "80", CLIENT)
    rule = virtual_service(
        "[{match: [{sourceLabels: {tier: front}, uri: {prefix: /a}}], route: [{destination: {host: web}}]}]"
    )
    split = mesh(TWINS, rule)
    assert route_configuration(split, "80", twin) is route_configuration(split, "80", CLIENT)
    assert route_configuration(split, "80", cousin) is not route_configuration(split, "80", CLIENT)
    items = "items.shop.svc.cluster.local:80"
    assert hosts(split, "80", cousin)[items] is hosts(split, "80", CLIENT)[items]
