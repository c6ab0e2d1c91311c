from tests.unit.analysis import codes, found, resource, service

HOSTS = "virtualservice.DestinationHostAnalyzer"
SUBSETS = "virtualservice.DestinationRuleAnalyzer"


def _routes(host: str, *, more: str = "", spec: str = "", namespace: str = "shop") -> str:
    route = f"{{hosts: [web], http: [{{route: [{{destination: {{host: {host}{more}}}}}]}}]{spec}}}"
    return resource("VirtualService", "web", route, namespace=namespace)


def test_a_missing_host_is_named() -> None:
    """A destination that no service answers to is an error that names it as written."""
    assert found(HOSTS, _routes("ghost"), service("web")) == ['IST0101 web: Referenced host not found: "ghost"']


def test_short_names_stand_for_services_of_the_same_namespace() -> None:
    """A short name means the service of the rule's own namespace."""
    assert found(HOSTS, _routes("web"), service("web")) == []
    assert codes(HOSTS, _routes("web", namespace="ops"), service("web")) == ["IST0101 web"]


def test_a_port_is_needed_where_a_service_has_several() -> None:
    """Without a port, a service of several ports is ambiguous."""
    two = service("web", ports="{name: http, port: 80}, {name: admin, port: 81}")
    assert codes(HOSTS, _routes("web"), two) == ["IST0112 web"]
    assert codes(HOSTS, _routes("web", more=", port: {number: 81}"), two) == []


def test_a_port_has_to_exist() -> None:
    """A port that the service lacks is named with its host."""
    given = found(HOSTS, _routes("web", more=", port: {number: 81}"), service("web"))
    assert given == ['IST0101 web: Referenced host:port not found: "web:81"']


def test_services_exported_elsewhere_are_visible_there() -> None:
    """A service that its annotation exports to a namespace is found from there, and from nowhere else."""
    exported = service("web", more=", annotations: {networking.istio.io/exportTo: ops}")
    host = "web.shop.svc.cluster.local"
    assert codes(HOSTS, _routes(host, namespace="ops"), exported) == []
    assert codes(HOSTS, _routes(host, namespace="dev"), exported) == ["IST0101 web"]


def test_service_entries_of_other_namespaces_are_found() -> None:
    """A ServiceEntry exported to all namespaces answers across them (a false positive of former releases)."""
    entry = resource("ServiceEntry", "api", "{hosts: [api.example.org], ports: [{number: 443, name: tls}]}")
    assert codes(HOSTS, _routes("api.example.org", namespace="ops"), entry) == []


def test_wildcard_entries_cover_their_hosts() -> None:
    """A ServiceEntry with a wildcard host answers to the hosts below it."""
    entry = resource("ServiceEntry", "api", "{hosts: ['*.example.org'], ports: [{number: 443, name: tls}]}")
    assert codes(HOSTS, _routes("api.example.org"), entry) == []


def test_private_entries_are_found_by_private_routes() -> None:
    """A route and an entry that are both private to one namespace see each other (a former false positive)."""
    spec = "{hosts: [api.example.org], exportTo: ['.'], ports: [{number: 443, name: tls}]}"
    private = _routes("api.example.org", spec=", exportTo: ['.']")
    assert codes(HOSTS, private, resource("ServiceEntry", "api", spec)) == []


def test_subsets_have_to_be_defined() -> None:
    """A subset that no DestinationRule of the host defines is an error."""
    rule = resource("DestinationRule", "web", "{host: web, subsets: [{name: v1, labels: {version: v1}}]}")
    assert codes(SUBSETS, _routes("web", more=", subset: v1"), rule) == []
    given = found(SUBSETS, _routes("web", more=", subset: v2"), rule)
    assert given == ['IST0101 web: Referenced host+subset in destinationrule not found: "web+v2"']


def test_mirrors_are_destinations() -> None:
    """The host of mirrored requests has to exist as well."""
    spec = "{hosts: [web], http: [{route: [{destination: {host: web}}], mirrors: [{destination: {host: ghost}}]}]}"
    given = found(HOSTS, resource("VirtualService", "web", spec), service("web"))
    assert given == ['IST0101 web: Referenced mirror host not found: "ghost"']
