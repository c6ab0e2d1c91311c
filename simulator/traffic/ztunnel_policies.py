"""May this connection be made? ztunnel's authorization policies, which know addresses, ports and identities only.

ztunnel: src/rbac.rs (Authorization::matches), src/state.rs (assert_rbac).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.model.traces import Rejected
from simulator.model.wire import Json
from simulator.traffic.addresses import in_ranges
from simulator.traffic.ztunnel_state import policy_key

_SCHEME = "spiffe://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """Both ends of a connection, as the ztunnel of the server sees them."""

    source_ip: str
    destination_ip: str
    destination_port: int
    identity: str = ""
    """SPIFFE identity of the client; empty when it came in plain text."""

    @property
    def _parts(self) -> list[str]:
        return self.identity.removeprefix(_SCHEME).split("/") if self.identity else []

    @property
    def namespace(self) -> str:
        """Namespace in the client's identity."""
        return self._parts[2] if len(self._parts) == 5 else ""

    @property
    def service_account(self) -> str:
        """Service account in the client's identity."""
        return self._parts[4] if len(self._parts) == 5 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Whether a connection is allowed, and by which policy; a refusal without one is that no policy allows it."""

    allowed: bool
    because: str
    policy: str = ""
    rejected: tuple[Rejected, ...] = ()


def judge(policies: Iterable[Json], peers: Peers) -> Judgement:
    """Judge a connection: a DENY policy that matches, else ALLOW policies, of which one must match if there are any."""
    known = tuple(policies)
    for policy in known:
        if policy.get("action") == "Deny" and _matches(policy, peers):
            because = f"{_described(peers)}: {policy_key(policy)} denies that"
            return Judgement(allowed=False, policy=policy_key(policy), because=because)
    allowing = [policy for policy in known if policy.get("action") != "Deny"]
    if not allowing:
        return Judgement(allowed=True, because="no policy denies it, and none says who is allowed")
    missed: list[Rejected] = []
    for policy in allowing:
        if _matches(policy, peers):
            because = f"{_described(peers)}: {policy_key(policy)} allows that"
            return Judgement(allowed=True, policy=policy_key(policy), because=because, rejected=tuple(missed))
        missed.append(Rejected(name=policy_key(policy), because=f"no rule of it allows that {_described(peers)}"))
    names = ", ".join(policy_key(policy) for policy in allowing)
    return Judgement(
        allowed=False, because=f"{_described(peers)}, and {names} allows others only", rejected=tuple(missed)
    )


def _described(peers: Peers) -> str:
    client = f"the client is {peers.identity}" if peers.identity else "the client shows no identity"
    return f"{client}, at port {peers.destination_port}"


def _matches(policy: Json, peers: Peers) -> bool:
    """Any rule of a policy, every clause of a rule, any match of a clause."""
    return any(
        all(not clause or any(_is_match(match, peers) for match in clause) for clause in rule)
        for rule in policy.get("rules") or ()
    )


def _is_match(match: Json, peers: Peers) -> bool:
    tests: Mapping[str, Callable[[Any], bool]] = {
        "destinationIps": lambda wanted: in_ranges(peers.destination_ip, [wanted]),
        "sourceIps": lambda wanted: in_ranges(peers.source_ip, [wanted]),
        "destinationPorts": lambda wanted: int(wanted) == peers.destination_port,
        "serviceAccounts": lambda wanted: _is_account(wanted, peers),
        "principals": lambda wanted: _text(wanted, peers.identity.removeprefix(_SCHEME)),
        "namespaces": lambda wanted: _text(wanted, peers.namespace),
    }
    judged = False
    for name, test in tests.items():
        positive, negative = match.get(name) or (), match.get(f"not{name[0].upper()}{name[1:]}") or ()
        judged = judged or bool(positive or negative)
        if (positive and not any(map(test, positive))) or any(map(test, negative)):
            return False
    return judged


def _is_account(wanted: Json, peers: Peers) -> bool:
    return bool(peers.identity) and (wanted.get("namespace"), wanted.get("serviceAccount")) == (
        peers.namespace,
        peers.service_account,
    )


def _text(wanted: Json, value: str) -> bool:
    ((kind, text),) = wanted.items()
    match kind:
        case "Exact":
            return bool(value == text)
        case "Prefix":
            return value.startswith(text)
        case "Suffix":
            return value.endswith(text)
    return bool(value)
