"""Admission by istiod: the API server calls its validating webhook before it stores one of Istio's objects.

The webhook is called where a ValidatingWebhookConfiguration, which an installation brings, says so. Without one,
anything is stored, and istiod ignores what it cannot use.
Kubernetes: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook (errors/statuserror.go). istiod:
pkg/webhooks/validation/server/server.go.
"""

from collections.abc import Iterator, Mapping, Sequence

from simulator.apiserver.objects import Target, as_resource
from simulator.apiserver.statuses import StatusError, internal
from simulator.apiserver.storage import ObjectStore
from simulator.model.labels import label_selector_selects, selects
from simulator.model.wire import Json

_CONFIGURATIONS = "validatingwebhookconfigurations.admissionregistration.k8s.io"
_OURS = "validation.istio.io"
_GROUP = ".istio.io"


def admit(store: ObjectStore, target: Target, document: Json) -> Sequence[str]:
    """Return istiod's warnings about an object that is about to be stored. Raises StatusError where it refuses it."""
    if target.subresource or not target.type.kind.group.endswith(_GROUP):
        return ()
    labels = (document.get("metadata") or {}).get("labels") or {}
    webhook = next(_webhooks(store, target.type.kind.group, labels), None)
    if webhook is None:
        return ()
    _reach(store, webhook)
    from simulator.validation.problems import joined
    from simulator.validation.rules import RULES, rules_of

    kind = target.type.kind.name
    try:
        found = list(rules_of(kind)(as_resource(target, document))) if kind in RULES else []
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # a field of a type that no rule expects
        raise _denied(webhook, f"error decoding configuration: {error}") from error
    errors = [each for each in found if not each.is_warning and not each.code]
    if errors:
        why = errors[0].text if len(errors) == 1 else joined(errors)
        raise _denied(webhook, f"configuration is invalid: {why}")
    return [each.text for each in found]


def _webhooks(store: ObjectStore, group: str, labels: Mapping[str, str]) -> Iterator[Json]:
    for _, configuration in store.list(_CONFIGURATIONS, None):
        for webhook in configuration.get("webhooks") or ():
            groups = {each for rule in webhook.get("rules") or () for each in rule.get("apiGroups") or ()}
            selected = label_selector_selects(webhook.get("objectSelector") or {}, labels)
            if str(webhook.get("name", "")).endswith(_OURS) and groups & {group, "*"} and selected:
                yield webhook


def _reach(store: ObjectStore, webhook: Json) -> None:
    """Raise StatusError where no istiod pod is behind a webhook: failures count as with `failurePolicy: Fail`."""
    wanted = (webhook.get("clientConfig") or {}).get("service") or {}
    name, namespace = str(wanted.get("name", "")), str(wanted.get("namespace", ""))
    services = {each["metadata"]["name"]: each for _, each in store.list("services", namespace)}
    path = f"https://{name}.{namespace}.svc:443{wanted.get('path', '')}?timeout=10s"
    trouble = f'failed calling webhook "{webhook["name"]}": failed to call webhook: Post "{path}": '
    if name not in services:
        raise internal(f'{trouble}service "{name}" not found')
    selector = (services[name].get("spec") or {}).get("selector") or {}
    pods = (pod["metadata"].get("labels") or {} for _, pod in store.list("pods", namespace))
    if not any(selects(selector, labels) for labels in pods):
        raise internal(f'{trouble}no endpoints available for service "{name}"')


def _denied(webhook: Json, why: str) -> StatusError:
    return StatusError(code=400, reason="", message=f'admission webhook "{webhook["name"]}" denied the request: {why}')
