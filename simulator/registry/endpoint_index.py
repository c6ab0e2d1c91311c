"""Endpoints by service and port, and the service ports that each proxy's own workload serves.

istiod: pilot/pkg/model/endpointshards.go, push_context.go (ServiceEndpointsByPort, ServiceAccounts), context.go
(SetServiceTargets).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from simulator.model.proxies import Proxy, ServiceTarget
from simulator.model.services import Endpoint, Resolution, Service
from simulator.registry.service_targets import ServiceTargets, Shard, creation_order
from simulator.registry.workloads import Workloads

_DNS = frozenset({Resolution.DNS_LB, Resolution.DNS_ROUND_ROBIN_LB})


class EndpointIndex:
    """Endpoints of one mesh."""

    def __init__(
        self,
        endpoints: Mapping[Shard, Sequence[Endpoint]],
        *,
        services: Iterable[Service],
        targets: ServiceTargets,
        workloads: Workloads,
        trust_domains: Sequence[str],
    ) -> None:
        self._targets = targets
        self._workloads = workloads
        self._trust_domains = trust_domains
        self._by_port: dict[Shard, dict[str | int, tuple[Endpoint, ...]]] = {}
        self._accounts: dict[Shard, tuple[str, ...]] = {}
        self._own_accounts = {(one.host, one.namespace): one.service_accounts for one in services}
        """What services have of their own; of several that share a host and namespace the last one's."""
        self._found: dict[Proxy, tuple[ServiceTarget, ...]] = {}
        self._shard_accounts = {
            shard: frozenset(one.service_account for one in found if one.service_account)
            for shard, found in endpoints.items()
        }
        for shard, found in endpoints.items():
            by_port: defaultdict[str | int, list[Endpoint]] = defaultdict(list)
            for endpoint in found:
                by_port[endpoint.port_name].append(endpoint)
                if endpoint.service_port:
                    by_port[endpoint.service_port].append(endpoint)
            self._by_port[shard] = {port: tuple(group) for port, group in by_port.items()}

    def of_port(self, service: Service, port: int) -> Sequence[Endpoint]:
        """Return the endpoints of a service port.

        They are found by the port's name; for clusters resolved by DNS, which hold their endpoints, by its number.
        """
        found = service.port(port)
        if found is None:
            return ()
        key = port if service.resolution in _DNS else found.name
        return self._by_port.get((service.host, service.namespace), {}).get(key, ())

    def service_accounts(self, service: Service) -> tuple[str, ...]:
        """Return the identities of a service's endpoints and its own, also under the trust domain's aliases."""
        shard = (service.host, service.namespace)
        if shard not in self._accounts:
            found = set(self._shard_accounts.get(shard, ())) | set(self._own_accounts.get(shard, ()))
            self._accounts[shard] = tuple(sorted(_expand(found, self._trust_domains)))
        return self._accounts[shard]

    def targets(self, proxy: Proxy) -> tuple[ServiceTarget, ...]:
        """Return the service ports of a proxy's workload, oldest service first, then by host."""
        if proxy not in self._found:
            pod = self._workloads.pod(proxy.namespace, proxy.id.name)
            found = self._targets.of_proxy(proxy, pod)
            self._found[proxy] = tuple(sorted(found, key=creation_order))
        return self._found[proxy]


def _expand(accounts: set[str], trust_domains: Sequence[str]) -> set[str]:
    """Repeat each identity of the mesh for all names of its trust domain (istiod: spiffe.ExpandWithTrustDomains)."""
    expanded = set(accounts)
    for account in accounts:
        _, scheme, rest = account.partition("spiffe://")
        _, slash, path = rest.partition("/")
        if scheme and slash:
            expanded |= {f"spiffe://{domain}/{path}" for domain in trust_domains}
    return expanded
