from tests.unit.analysis import codes, deployment, findings, found, namespace, pod, resource

SIDECARS = "sidecar.SelectorAnalyzer"
TELEMETRIES = "telemetry.SelectorAnalyzer"
DEFAULTS = "telemetry.DefaultSelectorAnalyzer"
PROVIDERS = "telemetry.ProviderAnalyzer"
OWN = "mesh.PolicySelectors"
BY_LABEL = "{workloadSelector: {labels: {app: web}}}"


def test_two_sidecars_of_one_pod_conflict() -> None:
    """Each finding names the other resource and the pod."""
    given = found(SIDECARS, resource("Sidecar", "a", BY_LABEL), resource("Sidecar", "b", BY_LABEL), pod("web"))
    text = 'The Sidecars [a b] in namespace "shop" select the same workload pod "web"'
    assert [each.startswith(f"IST0110 {name}: {text}") for name, each in zip("ab", given, strict=True)] == [True, True]


def test_a_sidecar_that_selects_nothing_is_reported() -> None:
    """Only pods of the Sidecar's namespace count."""
    assert codes(SIDECARS, resource("Sidecar", "a", BY_LABEL), pod("web", namespace="ops")) == ["IST0101 a"]
    assert codes(SIDECARS, resource("Sidecar", "a", BY_LABEL), deployment("web")) == []


def test_one_default_sidecar_per_namespace() -> None:
    """Two Sidecars without selector are one too many."""
    assert codes(SIDECARS, resource("Sidecar", "a", "{}"), resource("Sidecar", "b", "{}")) == ["IST0111 a", "IST0111 b"]


def test_sidecars_mean_nothing_in_ambient_namespaces() -> None:
    """Nobody reads a Sidecar where pods have no sidecar."""
    ambient = namespace("shop", "istio.io/dataplane-mode: ambient")
    assert codes(SIDECARS, resource("Sidecar", "a", "{}"), ambient) == ["IST0167 a"]


def test_telemetries_select_each_pod_once() -> None:
    """Two Telemetries for one pod conflict; two for all pods of a namespace do as well."""
    spec = "{selector: {matchLabels: {app: web}}}"
    given = (resource("Telemetry", "a", spec), resource("Telemetry", "b", spec), pod("web"))
    assert codes(TELEMETRIES, *given) == ["IST0159 a", "IST0159 b"]
    assert codes(DEFAULTS, resource("Telemetry", "a", "{}"), resource("Telemetry", "b", "{}")) == [
        "IST0160 a",
        "IST0160 b",
    ]


def test_targeted_telemetries_are_no_defaults() -> None:
    """A Telemetry for one gateway does not compete with the namespace's."""
    target = "{targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: front}]}"
    assert codes(DEFAULTS, resource("Telemetry", "a", "{}"), resource("Telemetry", "b", target)) == []


def test_access_logs_need_a_provider() -> None:
    """Without a provider in the Telemetry or the mesh an access log has no effect, unless it is switched off."""
    assert codes(PROVIDERS, resource("Telemetry", "a", "{accessLogging: [{}]}")) == ["IST0157 a"]
    assert codes(PROVIDERS, resource("Telemetry", "a", "{accessLogging: [{disabled: true}]}")) == []
    mesh = {"defaultProviders": {"accessLogging": ["envoy"]}}
    assert codes(PROVIDERS, resource("Telemetry", "a", "{accessLogging: [{}]}"), mesh=mesh) == []


def test_other_policies_have_to_select_something() -> None:
    """A PeerAuthentication whose labels no pod has is reported with its labels."""
    policy = resource("PeerAuthentication", "a", "{selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}}")
    (given,) = findings(OWN, policy, pod("other"))
    assert (given.code, given.witness) == ("KM0016", "labels app=web in namespace shop: 0 pods")
    assert codes(OWN, policy, pod("web")) == []


def test_the_root_namespace_selects_everywhere() -> None:
    """A selecting policy of the root namespace reaches pods of all namespaces."""
    spec = "{selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}}"
    assert codes(OWN, resource("PeerAuthentication", "a", spec, namespace="istio-system"), pod("web")) == []
