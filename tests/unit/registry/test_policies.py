import pytest

from simulator.registry.policies import MtlsMode
from simulator.registry.snapshot import Snapshot
from tests.unit.registry import pod, proxy, snapshot

SECURITY, TELEMETRY, NETWORKING = "security.istio.io/v1", "telemetry.istio.io/v1", "networking.istio.io/v1alpha3"


def _policy(kind: str, name: str, spec: str, *, namespace: str = "shop", api: str = SECURITY) -> str:
    return f"""
    apiVersion: {api}
    kind: {kind}
    metadata: {{name: {name}, namespace: {namespace}}}
    spec: {spec}
    """


def _peer(name: str, spec: str, namespace: str = "shop") -> str:
    return _policy("PeerAuthentication", name, spec, namespace=namespace)


def test_peer_authentication_inherits_from_mesh_to_port() -> None:
    """Each level overrides the wider one where it sets a mode; ports are set by workload policies only."""
    view = snapshot(
        _peer("mesh", "{mtls: {mode: STRICT}}", "istio-system"),
        _peer("unset", "{mtls: {mode: UNSET}}"),
        _peer(
            "web", "{selector: {matchLabels: {app: web}}, portLevelMtls: {8080: {mode: DISABLE}, 81: {mode: UNSET}}}"
        ),
        _peer("none", "{mtls: {mode: DISABLE}}", "legacy"),
    )
    web = view.peer_authentication("shop", {"app": "web"})
    assert (web.mode, web.mode_of(8080), web.mode_of(81)) == (MtlsMode.STRICT, MtlsMode.DISABLE, MtlsMode.STRICT)
    assert view.peer_authentication("legacy", {}).mode is MtlsMode.DISABLE
    assert view.namespace_mtls_mode("shop") is MtlsMode.STRICT
    assert snapshot().namespace_mtls_mode("shop") is MtlsMode.PERMISSIVE


def test_root_selectors_select_no_peers() -> None:
    """A PeerAuthentication with a selector in the root namespace is no workload policy for anybody."""
    view = snapshot(_peer("odd", "{selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}}", "istio-system"))
    assert view.peer_authentication("shop", {"app": "web"}).mode is MtlsMode.PERMISSIVE
    assert view.peer_authentication("istio-system", {"app": "web"}).mode is MtlsMode.PERMISSIVE


def test_oldest_peer_authentication_of_a_scope_counts() -> None:
    """Of two for one namespace the older one holds."""
    young = _peer("a", "{mtls: {mode: DISABLE}}").replace(
        "{name: a,", '{name: a, creationTimestamp: "2024-01-01T00:00:00Z",'
    )
    view = snapshot(young, _peer("b", "{mtls: {mode: STRICT}}"))
    assert view.namespace_mtls_mode("shop") is MtlsMode.STRICT


def _authorizations() -> Snapshot:
    return snapshot(
        _policy("AuthorizationPolicy", "web", "{selector: {matchLabels: {app: web}}, action: DENY, rules: [{}]}"),
        _policy("AuthorizationPolicy", "all", "{}"),
        _policy("AuthorizationPolicy", "root", "{action: DENY, rules: [{}]}", namespace="istio-system"),
        _policy("AuthorizationPolicy", "gateway", """{action: AUDIT, targetRefs: [
          {group: gateway.networking.k8s.io, kind: Gateway, name: front}]}"""),
    )  # fmt: skip


def test_authorization_is_root_first_and_divided_by_action() -> None:
    """Policies of the root namespace come first; an omitted action allows."""
    found = _authorizations().authorization("shop", {"app": "web"})
    assert [one.name for one in found.deny] == ["root", "web"]
    assert [one.name for one in found.allow] == ["all"]
    assert not found.audit


def test_equal_selections_are_one_object() -> None:
    """Labels that no selector names make no difference, so that what depends on policies can be shared."""
    view = _authorizations()
    assert view.authorization("shop", {"app": "x", "v": "1"}) is view.authorization("shop", {"app": "y"})


@pytest.mark.parametrize(("waypoint", "allow"), [(False, ["all"]), (True, [])])
def test_target_references_select_gateways(waypoint: bool, allow: list[str]) -> None:
    """Pods of a Gateway API gateway get policies that refer to it; selectors count unless it is a waypoint."""
    labels = {"gateway.networking.k8s.io/gateway-name": "front"}
    found = _authorizations().authorization("shop", labels, waypoint=waypoint)
    assert [one.name for one in found.audit] == ["gateway"]
    assert [one.name for one in found.allow] == allow


def test_telemetry_goes_from_wide_to_narrow() -> None:
    """Root, namespace, workload; of several for a whole namespace the first one counts."""
    view = snapshot(
        _policy("Telemetry", "root", "{}", namespace="istio-system", api=TELEMETRY),
        _policy("Telemetry", "b", "{}", api=TELEMETRY),
        _policy("Telemetry", "a", "{selector: {matchLabels: {}}}", api=TELEMETRY),
        _policy("Telemetry", "web", "{selector: {matchLabels: {app: web}}}", api=TELEMETRY),
    )
    assert [one.name for one in view.telemetries("shop", {"app": "web"})] == ["root", "a", "web"]


def test_envoy_filters_go_by_priority_then_root() -> None:
    """Lower priority first; of equal ones those of the root namespace; a selector must select."""
    view = snapshot(
        pod("web", ip="10.1.0.1"),
        _policy("EnvoyFilter", "late", "{priority: 5}", namespace="istio-system", api=NETWORKING),
        _policy("EnvoyFilter", "a", "{}", api=NETWORKING),
        _policy("EnvoyFilter", "z", "{}", namespace="istio-system", api=NETWORKING),
        _policy("EnvoyFilter", "early", "{priority: -5, workloadSelector: {labels: {app: web}}}", api=NETWORKING),
        _policy("EnvoyFilter", "other", "{workloadSelector: {labels: {app: x}}}", api=NETWORKING),
    )
    assert [one.name for one in view.envoy_filters(proxy(view, "web"))] == ["early", "z", "a", "late"]


def test_extensions_go_by_priority() -> None:
    """Higher priority first, those without last, of equal ones the workload's own namespace first."""
    api = "extensions.istio.io/v1alpha1"
    view = snapshot(
        pod("web", ip="10.1.0.1"),
        _policy("WasmPlugin", "root", "{url: x}", namespace="istio-system", api=api),
        _policy("WasmPlugin", "own", "{url: x}", api=api),
        _policy("TrafficExtension", "first", "{priority: 3, lua: {inlineCode: x}}", api=api),
    )
    assert [one.name for one in view.extensions(proxy(view, "web"))] == ["first", "own", "root"]
