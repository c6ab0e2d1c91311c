"""Whether a pod gets a sidecar, decided as the API server and istiod's webhook do together, with the reason.

istiod: manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml (which pods are sent to which
revision) and pkg/kube/inject/inject.go (injectRequired).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from simulator.model.labels import Labels, label_selector_selects
from simulator.model.resources import Resource
from simulator.model.wire import Json

INJECT = "sidecar.istio.io/inject"
STATUS = "sidecar.istio.io/status"
REVISION = "istio.io/rev"
TAG = "istio.io/tag"
NAMESPACE_INJECTION = "istio-injection"
PROXY = "istio-proxy"
IGNORED_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage"})
_WEBHOOK = "sidecar-injector.istio.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One entry of an injector's MutatingWebhookConfiguration."""

    configuration: str
    name: str
    revision: str
    """Revision of the istiod behind it; `default` when it has none."""
    namespace_selector: Json
    object_selector: Json
    tag: str = ""

    def matches(self, *, namespace_labels: Labels, pod_labels: Labels) -> bool:
        """Tell whether the API server sends such a pod to this webhook."""
        return label_selector_selects(self.namespace_selector, namespace_labels) and label_selector_selects(
            self.object_selector, pod_labels
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the injector's configuration decides for pods that do not choose themselves."""

    enabled: bool = True
    never: Sequence[Json] = ()
    always: Sequence[Json] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether a pod is injected, by which revision, and why."""

    injected: bool
    reason: str
    revision: str = ""
    webhook: Webhook | None = None


def _in(key: str, *values: str) -> Json:
    return {"key": key, "operator": "In", "values": list(values)}


def _absent(key: str) -> Json:
    return {"key": key, "operator": "DoesNotExist"}


_NOT_DISABLED: Json = {"key": INJECT, "operator": "NotIn", "values": ["false"]}


def standard_webhooks(revision: str = "default", *, tag: str = "", by_default: bool = False) -> tuple[Webhook, ...]:
    """Return the webhooks that the chart installs for a revision or a tag.

    `by_default` is the chart's `enableNamespacesByDefault`.
    """
    selected = tag or revision
    selectors = {
        "rev.namespace.": ([_in(REVISION, selected), _absent(NAMESPACE_INJECTION)], [_NOT_DISABLED]),
        "rev.object.": (
            [_absent(REVISION), _absent(NAMESPACE_INJECTION)],
            [_NOT_DISABLED, _in(REVISION, selected)],
        ),
    }
    if selected == "default":
        selectors["namespace."] = ([_in(NAMESPACE_INJECTION, "enabled")], [_NOT_DISABLED])
        selectors["object."] = (
            [_absent(NAMESPACE_INJECTION), _absent(REVISION)],
            [_in(INJECT, "true"), _absent(REVISION)],
        )
        if by_default:
            unnamed = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": sorted(IGNORED_NAMESPACES)}
            selectors["auto."] = (
                [_absent(NAMESPACE_INJECTION), _absent(REVISION), unnamed],
                [_absent(INJECT), _absent(REVISION)],
            )
    name = "istio-revision-tag-" + tag if tag else "istio-sidecar-injector"
    return tuple(
        Webhook(
            configuration=name if tag or revision == "default" else f"{name}-{revision}",
            name=prefix + _WEBHOOK,
            revision=revision,
            tag=tag,
            namespace_selector={"matchExpressions": namespace},
            object_selector={"matchExpressions": pod},
        )
        for prefix, (namespace, pod) in selectors.items()
    )


def configured_webhooks(configurations: Iterable[Resource]) -> tuple[Webhook, ...]:
    """Read the injector's webhooks from MutatingWebhookConfigurations, in the order in which they are called."""
    return tuple(
        Webhook(
            configuration=resource.name,
            name=entry.get("name", ""),
            revision=resource.labels.get(REVISION, "") or "default",
            tag=resource.labels.get(TAG, ""),
            namespace_selector=entry.get("namespaceSelector") or {},
            object_selector=entry.get("objectSelector") or {},
        )
        for resource in sorted(configurations, key=lambda resource: resource.name)
        if resource.kind == "MutatingWebhookConfiguration"
        for entry in resource.document.get("webhooks") or ()
        if entry.get("name", "").endswith(_WEBHOOK)
    )


def is_injected(pod: Json) -> bool:
    """Tell whether a pod has its proxy already: the webhook's mark, or a container that runs one."""
    if STATUS in ((pod.get("metadata") or {}).get("annotations") or {}):
        return True
    spec = pod.get("spec") or {}
    return any(
        container.get("name") == PROXY and "proxy" in (container.get("args") or ())[:1]
        for field in ("containers", "initContainers")
        for container in spec.get(field) or ()
    )


def decide(
    pod: Json, *, namespace: str, namespace_labels: Labels, webhooks: Sequence[Webhook], policies: Mapping[str, Policy]
) -> Decision:
    """Decide whether a pod of a namespace is injected; `policies` has the policy of each revision."""
    metadata = pod.get("metadata") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    if is_injected(pod):
        return Decision(injected=False, reason="the pod has its proxy already")
    webhook = next(
        (entry for entry in webhooks if entry.matches(namespace_labels=namespace_labels, pod_labels=labels)), None
    )
    if webhook is None:
        return Decision(injected=False, reason=_unmatched(namespace, namespace_labels, labels, webhooks))
    required, reason = _required(
        pod.get("spec") or {},
        namespace=namespace,
        labels=labels,
        annotations=annotations,
        policy=policies.get(webhook.revision) or Policy(),
    )
    if required and not reason:
        reason = _matched(webhook, namespace, namespace_labels, labels)
    return Decision(injected=required, reason=reason, revision=webhook.revision, webhook=webhook)


def _required(spec: Json, *, namespace: str, labels: Labels, annotations: Labels, policy: Policy) -> tuple[bool, str]:
    """Return the webhook's own verdict; the reason is empty when nothing but the selectors decided."""
    if spec.get("hostNetwork"):
        return False, "the pod uses the host's network"
    if namespace in IGNORED_NAMESPACES:
        return False, f"namespace {namespace} is never injected"
    where, wish = ("label", labels[INJECT]) if INJECT in labels else ("annotation", annotations.get(INJECT, ""))
    if wish in ("true", "false"):
        return wish == "true", f"{where} {INJECT}={wish} on the pod"
    if any(selector and label_selector_selects(selector, labels) for selector in policy.never):
        return False, "the injector's neverInjectSelector matches the pod"
    if any(selector and label_selector_selects(selector, labels) for selector in policy.always):
        return True, "the injector's alwaysInjectSelector matches the pod"
    return policy.enabled, "" if policy.enabled else "the injector's policy is disabled"


def _matched(webhook: Webhook, namespace: str, namespace_labels: Labels, labels: Labels) -> str:
    if webhook.name.startswith("namespace."):
        return f"label {NAMESPACE_INJECTION}=enabled on namespace {namespace}"
    if webhook.name.startswith("rev.namespace."):
        return f"label {REVISION}={namespace_labels.get(REVISION)} on namespace {namespace}"
    if webhook.name.startswith("rev.object."):
        return f"label {REVISION}={labels.get(REVISION)} on the pod"
    if webhook.name.startswith("object."):
        return f"label {INJECT}=true on the pod"
    return f"webhook {webhook.name} of {webhook.configuration} selects the pod"


def _unmatched(namespace: str, namespace_labels: Labels, labels: Labels, webhooks: Sequence[Webhook]) -> str:
    if not webhooks:
        return "no injector is installed"
    if labels.get(INJECT) == "false":
        return f"label {INJECT}=false on the pod"
    injection, revision = namespace_labels.get(NAMESPACE_INJECTION), namespace_labels.get(REVISION)
    if injection is not None and injection != "enabled":
        return f"label {NAMESPACE_INJECTION}={injection} on namespace {namespace}"
    wanted = revision or labels.get(REVISION)
    if injection is None and wanted is not None:
        known = ", ".join(sorted({entry.tag or entry.revision for entry in webhooks}))
        where = f"namespace {namespace}" if revision else "the pod"
        return f"label {REVISION}={wanted} on {where} names no installed revision (there is {known})"
    if injection == "enabled":
        return f"label {NAMESPACE_INJECTION}=enabled on namespace {namespace}, and no default revision is installed"
    return f"namespace {namespace} has no label {NAMESPACE_INJECTION} or {REVISION}, and the pod asks for nothing"
