"""The RBAC filters: rules that are enforced, and shadow rules whose result other filters may read.

Envoy: source/extensions/filters/http/rbac/rbac_filter.cc.
"""

from dataclasses import replace
from typing import Any

from simulator.envoy.documents import child, text
from simulator.envoy.filter_outcomes import Filter, Outcome, answer
from simulator.envoy.rbac import Judgement, judge, judge_matcher
from simulator.envoy.route_match import Context
from simulator.model.traces import Disposition, Step, StepKind
from simulator.model.wire import Json

RBAC_METADATA = "envoy.filters.http.rbac"


def authorize(item: Filter, context: Context) -> Outcome:
    """Apply the RBAC filter of HTTP: shadow rules leave metadata, enforced ones decide."""
    config = item.config
    if item.overrides:
        config = child(item.overrides[0], "rbac")
    metadata = _shadow(config, context)
    context = replace(context, metadata=metadata)
    judgement = rbac_judgement(config, context)
    if judgement is None:
        return Outcome(context=context)
    step = rbac_step(judgement, item.name)
    if judgement.allowed:
        return Outcome(context=context, steps=(step,))
    policy = (judgement.policy or "none").replace(" ", "_")
    verdict = answer(
        Disposition.DENIED,
        context,
        status=403,
        details=f"rbac_access_denied_matched_policy[{policy}]",
        body="RBAC: access denied",
    )
    return Outcome(context=context, steps=(step,), verdict=verdict)


def rbac_judgement(config: Json, context: Context) -> Judgement | None:
    """Judge a request by the enforced rules of an RBAC filter; None when it has none."""
    if "matcher" in config:
        return judge_matcher(child(config, "matcher"), context)
    return judge(child(config, "rules"), context) if "rules" in config else None


def rbac_step(judgement: Judgement, name: str) -> Step:
    """Record a judgement."""
    word = "allowed" if judgement.allowed else "denied"
    return Step(
        kind=StepKind.RBAC,
        chosen=f"{word} by {judgement.policy}" if judgement.policy else word,
        because=judgement.because,
        rejected=judgement.rejected,
        details={"filter": name, "policy": judgement.policy, "allowed": judgement.allowed},
        document=judgement.document,
    )


def _shadow(config: Json, context: Context) -> dict[str, Any]:
    """Return the metadata with what the shadow rules found, which other filters may act upon."""
    judgement: Judgement | None = None
    if "shadow_matcher" in config:
        judgement = judge_matcher(child(config, "shadow_matcher"), context)
    elif "shadow_rules" in config:
        judgement = judge(child(config, "shadow_rules"), context)
    if judgement is None:
        return dict(context.metadata)
    prefix = text(config, "shadow_rules_stat_prefix")
    found = dict(context.metadata.get(RBAC_METADATA) or {})
    found[f"{prefix}shadow_engine_result"] = "allowed" if judgement.allowed else "denied"
    if judgement.policy:
        found[f"{prefix}shadow_effective_policy_id"] = judgement.policy
    return {**context.metadata, RBAC_METADATA: found}
