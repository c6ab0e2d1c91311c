"""RequestAuthentications whose tokens no policy requires.

A RequestAuthentication refuses invalid tokens but lets requests without a token pass; only an AuthorizationPolicy can
require one.
"""

from collections.abc import Iterator, Mapping

from kubectl_mesh.analysis.analyzer import Check
from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.policies import is_targeted, rules
from kubectl_mesh.analysis.world import World
from simulator.model.labels import selects
from simulator.model.resources import Resource
from simulator.model.wire import Json

_SOURCE = ("requestPrincipals", "notRequestPrincipals")


def _unrequired(world: World) -> Iterator[Finding]:
    root = world.mesh.get("rootNamespace") or "istio-system"
    by_namespace: dict[str, list[Resource]] = {}
    for policy in world.of_kind("AuthorizationPolicy"):
        if any(_asks_for_token(rule) for _, rule in rules(policy)) or policy.spec.get("action") == "CUSTOM":
            by_namespace.setdefault(policy.namespace, []).append(policy)
    everything = [policy for policies in by_namespace.values() for policy in policies]
    for authentication in world.of_kind("RequestAuthentication"):
        if not authentication.spec.get("jwtRules"):
            continue
        candidates = [*by_namespace.get(authentication.namespace, ()), *by_namespace.get(root, ())]
        if authentication.namespace == root:
            candidates = everything
        if any(_meet(authentication, policy) for policy in candidates):
            continue
        issuer = authentication.spec["jwtRules"][0].get("issuer") or ""
        yield Finding(
            code="KM0015",
            resource=authentication,
            arguments=(issuer,),
            witness="a request without Authorization header passes; one with an expired token is answered with 401",
        )


def _asks_for_token(rule: Json) -> bool:
    sources = (((each or {}).get("source") or {}) for each in rule.get("from") or ())
    if any(source.get(key) for source in sources for key in _SOURCE):
        return True
    return any(str((each or {}).get("key") or "").startswith("request.auth.") for each in rule.get("when") or ())


def _meet(authentication: Resource, policy: Resource) -> bool:
    """Tell whether both may apply to one workload."""
    if is_targeted(authentication) or is_targeted(policy):
        return True
    one, other = _labels(authentication), _labels(policy)
    both = {**one, **other}
    return selects(one, both) and selects(other, both)


def _labels(resource: Resource) -> Mapping[str, str]:
    return (resource.spec.get("selector") or {}).get("matchLabels") or {}


ANALYZERS = (
    Check(
        name="mesh.TokenRequirements",
        description="Finds RequestAuthentications whose tokens no AuthorizationPolicy requires",
        inputs=("RequestAuthentication", "AuthorizationPolicy"),
        run=_unrequired,
    ),
)
