"""The policies that ztunnels receive, and which of them apply to a workload."""

import pytest

from simulator.xds.ztunnel_policies import workload_policies, ztunnel_policies
from tests.unit.registry import snapshot

STRICT = "istio-system/istio_converted_static_strict"


def _peer(spec: str, *, name: str = "peer", namespace: str = "shop") -> str:
    return f"""
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {{name: {name}, namespace: {namespace}}}
    spec: {spec}
    """


def _policy(spec: str) -> str:
    return f"""
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata: {{name: guard, namespace: shop}}
    spec: {spec}
    """


@pytest.mark.parametrize(
    ("selector", "scope", "attached"),
    [
        ("", "NAMESPACE", []),
        (", selector: {}", "WORKLOAD_SELECTOR", []),
        (", selector: {matchLabels: {app: web}}", "WORKLOAD_SELECTOR", ["shop/guard"]),
    ],
)
def test_an_empty_selector_selects_nothing(selector: str, scope: str, attached: list[str]) -> None:
    """ztunnel treats a policy with an empty selector as one for selected workloads, and no workload names it."""
    view = snapshot(_policy(f"{{action: DENY, rules: [{{}}]{selector}}}"))
    assert [one["scope"] for one in ztunnel_policies(view)] == [scope]
    assert workload_policies(view, "shop", {"app": "web"}) == attached


@pytest.mark.parametrize(
    ("namespace", "selector", "expected"),
    [
        ("istio-system", "", [STRICT]),
        ("istio-system", ", selector: {}", []),
        ("shop", "", [STRICT]),
        ("shop", ", selector: {}", [STRICT]),
    ],
)
def test_an_empty_selector_of_the_root_namespace_does_not_hold_elsewhere(
    namespace: str, selector: str, expected: list[str]
) -> None:
    """A PeerAuthentication of the root namespace is the mesh's only without any selector."""
    view = snapshot(_peer(f"{{mtls: {{mode: STRICT}}{selector}}}", namespace=namespace))
    assert workload_policies(view, "shop", {"app": "web"}) == expected


@pytest.mark.parametrize(
    ("mode", "port", "namespace_wide", "rules"),
    [
        ("UNSET", "DISABLE", None, 2),  # the mesh is strict: the port is exempt from that
        ("UNSET", "DISABLE", "{mtls: {}}", 0),  # a policy of the namespace stands before the mesh's, whatever it says
        ("UNSET", "STRICT", None, 0),
        ("PERMISSIVE", "STRICT", None, 0),  # istiod takes the mesh's strictness for the workload's here too
        ("PERMISSIVE", "STRICT", "{mtls: {mode: PERMISSIVE}}", 1),
    ],
)
def test_port_levels_become_a_policy(mode: str, port: str, namespace_wide: str | None, rules: int) -> None:
    """Port levels become a policy of their own where they differ from what holds for the workload anyway."""
    level = f"portLevelMtls: {{8080: {{mode: {port}}}}}"
    own = f"{{selector: {{matchLabels: {{app: web}}}}, mtls: {{mode: {mode}}}, {level}}}"
    peers = [_peer("{mtls: {mode: STRICT}}", namespace="istio-system"), _peer(own)]
    if namespace_wide is not None:
        peers.append(_peer(namespace_wide, name="wide"))
    found = [one for one in ztunnel_policies(snapshot(*peers)) if one["name"].endswith("_peer")]
    assert sum(len(group["rules"]) for one in found for group in one["groups"]) == rules
