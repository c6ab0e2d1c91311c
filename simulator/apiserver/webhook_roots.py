"""The `caBundle` that istiod writes into its webhook configurations: the root of its certificate.

istiod: pkg/webhooks/webhookpatch.go, pkg/webhooks/validation/controller/controller.go.
"""

import base64

from simulator.model.wire import Json

RESOURCES = frozenset(
    f"{kind}webhookconfigurations.admissionregistration.k8s.io" for kind in ("mutating", "validating")
)


def trusted(configuration: Json, root: str) -> Json:
    """Return a configuration whose webhooks at istiod have its root; other webhooks are unchanged."""
    webhooks = configuration.get("webhooks")
    if not root or not isinstance(webhooks, list):
        return configuration
    bundle = base64.b64encode(root.encode()).decode()
    return configuration | {"webhooks": [_trusted(each, bundle) for each in webhooks]}


def _trusted(webhook: Json, bundle: str) -> Json:
    client = webhook.get("clientConfig") or {}
    name = str((client.get("service") or {}).get("name", ""))
    if client.get("caBundle") or not name.startswith("istiod"):
        return webhook
    return webhook | {"clientConfig": client | {"caBundle": bundle}}
