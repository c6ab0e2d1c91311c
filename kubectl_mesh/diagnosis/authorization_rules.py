"""What do the AuthorizationPolicies for a pod say, rule by rule?"""

from collections.abc import Iterable

from kubectl_mesh.diagnosis import describe_service
from kubectl_mesh.diagnosis.config_dump import listed
from kubectl_mesh.diagnosis.describe import find
from kubectl_mesh.diagnosis.describe_pod import is_ambient
from kubectl_mesh.diagnosis.lookup import Lookup, name_of, namespace_of, spec
from kubectl_mesh.diagnosis.pod_policies import Enforcer
from kubectl_mesh.diagnosis.policy_enforcement import action_of, enforcement, ordered_terms, policies_by_action
from kubectl_mesh.diagnosis.targets import find_proxy
from kubectl_mesh.errors import NothingFound
from kubectl_mesh.reports.security import RuleRow, rules
from kubectl_mesh.reports.tables import Table
from simulator.model.wire import Json

_ANY = "<any>"


def table(lookup: Lookup, pod: Json) -> Table[RuleRow]:
    """Return one row for each rule that applies to a pod, in the order in which Envoy evaluates the actions."""
    applied = policies_by_action(lookup, pod, describe_service.selecting(lookup, pod))
    return rules(tuple(row for policy, enforcer in applied for row in _rows(lookup, policy, enforcer)))


def subject(lookup: Lookup, name: str) -> Json:
    """Return the pod that a name stands for: one with a proxy, or one whose traffic passes through ztunnel."""
    try:
        proxy = find_proxy(lookup.source, name, namespace=lookup.home)
    except NothingFound:
        found = find(lookup, "Pod", name, within=lookup.home)
        if not is_ambient(found):
            called = f"{namespace_of(found)}/{name_of(found)}"
            raise NothingFound(
                f"pod {called}: has no proxy and is not ambient, so nothing enforces policies on it",
                hint=f"kubectl mesh check-inject {called}",
            ) from None
        return found
    return lookup.get("Pod", proxy.namespace, proxy.name) or {"metadata": {"namespace": proxy.namespace}}


def _rows(lookup: Lookup, policy: Json, enforcer: Enforcer) -> Iterable[RuleRow]:
    action = action_of(policy)
    found = listed(spec(policy).get("rules"))
    if not found:
        yield RuleRow(
            action=action,
            methods="-",
            paths="-",
            sources="nobody",
            conditions="",
            policy=lookup.called(policy),
            enforced=enforcement(policy, {}, enforcer),
        )
    for index, rule in enumerate(found):
        operations = [item.get("operation") or {} for item in listed((rule or {}).get("to"))]
        sources = [item.get("source") or {} for item in listed((rule or {}).get("from"))]
        conditions = [_condition(item) for item in listed((rule or {}).get("when"))]
        conditions += [f"{word} {text}" for word in ("hosts", "ports") if (text := _field(operations, word, ""))]
        yield RuleRow(
            action=action,
            methods=_field(operations, "methods", _ANY),
            paths=_field(operations, "paths", _ANY),
            sources=" or ".join(_source(each) for each in sources) or _ANY,
            conditions=" and ".join(conditions),
            policy=f"{lookup.called(policy)}[{index}]",
            enforced=enforcement(policy, rule or {}, enforcer),
        )


def _field(operations: list[Json], name: str, absent: str) -> str:
    """Write a field of every operation, with what it excludes."""
    texts = []
    for operation in operations:
        chosen = ",".join(map(str, listed(operation.get(name))))
        excluded = ",".join(map(str, listed(operation.get(f"not{name.capitalize()}"))))
        texts.append(" ".join(part for part in (chosen, f"not {excluded}" if excluded else "") if part) or absent)
    return " or ".join(dict.fromkeys(texts)).strip(" or") if any(texts) else absent


def _source(source: Json) -> str:
    words = []
    for name, values in ordered_terms(source):
        negative = name.startswith("not")
        plain = (name[3:4].lower() + name[4:]) if negative else name
        prefix = "" if plain == "principals" else f"{plain} "
        words.append(f"{'not ' if negative else ''}{prefix}{','.join(map(str, listed(values)))}")
    return " and ".join(words) or _ANY


def _condition(condition: Json) -> str:
    parts = []
    if condition.get("values"):
        parts.append(f"{condition.get('key')} is {','.join(map(str, condition['values']))}")
    if condition.get("notValues"):
        parts.append(f"{condition.get('key')} is not {','.join(map(str, condition['notValues']))}")
    return " and ".join(parts)
