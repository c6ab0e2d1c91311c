"""Predicted answers to requests: values to compare, and assertions that show the whole path when they fail."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.model.directory import Directory
from simulator.model.names import ClusterName
from simulator.model.proxies import Direction
from simulator.model.traces import Forwarded, Hop, StepKind, Trace
from simulator.testing.explaining import explain, source_of

_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Answer:
    """The answer to one request. Its text is the explanation: `assert answer.delivered, answer`."""

    trace: Trace
    directory: Directory

    @property
    def disposition(self) -> str:
        """How the request ends, as in `kubectl mesh trace`: `delivered`, `denied`, `no-route`, …"""
        return self.trace.disposition.value

    @property
    def delivered(self) -> bool:
        """Whether the request reaches an application or a destination outside the mesh."""
        return self.trace.disposition.is_delivered

    @property
    def denied(self) -> bool:
        """Whether an authorization policy refuses the request."""
        return self.disposition == "denied"

    @property
    def status(self) -> int | None:
        """HTTP status of a proxy's answer, or 200 for a delivered request; None where there is none."""
        return self.trace.verdict.status

    @property
    def workload(self) -> str:
        """`namespace/name` of the workload that gets the request; empty when none does."""
        name, _, namespace = self.trace.destination.rpartition(".")
        found = self.directory.workload(name, namespace) if self.delivered else None
        return f"{found.namespace}/{found.owner or found.name}" if found is not None else ""

    @property
    def service(self) -> str:
        """`namespace/name` of the Kubernetes service chosen, or the host of another; empty when none was."""
        cluster = self._cluster
        return self._service(cluster) if cluster is not None else ""

    @property
    def subset(self) -> str:
        """Subset of the service; empty without one."""
        return self._cluster.subset if self._cluster is not None else ""

    @property
    def split(self) -> Mapping[str, float]:
        """`namespace/name` or `namespace/name:subset` → percentage, for all possible destinations of the request."""
        shares: dict[str, float] = {}
        for share in self._forwarded.shares if self._forwarded is not None else ():
            cluster = ClusterName.parse(share.cluster)
            if cluster is not None:
                name = self._service(cluster) + (f":{cluster.subset}" if cluster.subset else "")
                shares[name] = shares.get(name, 0.0) + share.percent
        return shares

    @property
    def rule(self) -> str:
        """The rule that routes, `VirtualService/shop/cart spec.http[1]`; empty when no resource has it."""
        hop = self._hop
        step = hop.step(StepKind.ROUTE) if hop is not None else None
        source = source_of(step) if step is not None else None
        return str(source) if source is not None else ""

    @property
    def path(self) -> str:
        """Path as the destination gets it."""
        return self._forwarded.request.target.partition("?")[0] if self._forwarded is not None else ""

    @property
    def tls(self) -> str:
        """How the proxy that chose the destination encrypts: `none`, `simple` or `mutual`."""
        return self._forwarded.tls.value if self._forwarded is not None else "none"

    def assert_delivered(self, *, to: str = "", subset: str | None = None) -> None:
        """Assert that the request arrives; `to` is `namespace/name` of a service or a workload."""
        __tracebackhide__ = True
        self._hold(self.delivered, "the request to be delivered")
        self._hold(to in ("", self.service, self.workload), f"it to go to {to}, not {self.service}")
        self._hold(subset in (None, self.subset), f"subset {subset or 'none'}, not {self.subset or 'none'}")

    def assert_denied(self) -> None:
        """Assert that an authorization policy refuses the request."""
        __tracebackhide__ = True
        self._hold(self.denied, "the request to be denied")

    def assert_disposition(self, disposition: str) -> None:
        """Assert that the request ends with a disposition."""
        __tracebackhide__ = True
        self._hold(self.disposition == disposition, f"disposition {disposition}, not {self.disposition}")

    def assert_split(self, expected: Mapping[str, float]) -> None:
        """Assert how requests are split: `{"shop/catalog:v1": 90, "shop/catalog:v2": 10}`."""
        __tracebackhide__ = True
        seen = self.split
        same = expected.keys() == seen.keys()
        same = same and all(abs(seen[name] - percent) <= _TOLERANCE for name, percent in expected.items())
        self._hold(same, f"a split of {dict(expected)}, not {dict(seen)}")

    def assert_mutual_tls(self) -> None:
        """Assert that the request leaves the client's proxy over mutual TLS."""
        __tracebackhide__ = True
        self._hold(self.tls == "mutual", f"mutual TLS, not {self.tls}")

    def __str__(self) -> str:
        return explain(self.trace, self.directory.origins)

    def __repr__(self) -> str:
        request = self.trace.request
        return f"<{request.method} {request.host}:{request.port}{request.target} {self.disposition}>"

    def _hold(self, holds: bool, expected: str) -> None:
        __tracebackhide__ = True
        if not holds:
            raise AssertionError(f"expected {expected}\n\n{self}")

    @property
    def _hop(self) -> Hop | None:
        """The hop that chose the destination: the last one that forwards."""
        sending = [hop for hop in self.trace.hops if hop.direction is Direction.OUTBOUND]
        routing = [hop for hop in self.trace.hops if hop.step(StepKind.ROUTE)]
        return next(reversed(sending or routing), None)

    @property
    def _forwarded(self) -> Forwarded | None:
        return self._hop.forwarded if self._hop is not None else None

    @property
    def _cluster(self) -> ClusterName | None:
        return ClusterName.parse(self._forwarded.cluster) if self._forwarded is not None else None

    def _service(self, cluster: ClusterName) -> str:
        record = self.directory.services.get(cluster.host)
        if record is None or record.source is None or not record.kubernetes:
            return cluster.host
        return f"{record.namespace}/{record.source.name}"
