"""What all listeners of one class share on a proxy: loggers, metrics, traces, and the filters that policies ask for."""

from dataclasses import dataclass, field

from simulator.model.proxies import Role
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.policies import AuthorizationPolicies
from simulator.registry.snapshot import Snapshot
from simulator.xds.access_logs import AccessLogs, access_logs
from simulator.xds.authentication import jwt_filters
from simulator.xds.authorization import AuthorizationFilters, authorization_filters
from simulator.xds.extension_filters import Extension, extensions_of
from simulator.xds.listener_settings import ListenerClass, ListenerSettings, TraceIdentity
from simulator.xds.proxy_headers import ProxyHeaders, proxy_headers
from simulator.xds.stats import stats_filters
from simulator.xds.tracing import Tracing, tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPolicies:
    """The resources that select a workload and change its listeners."""

    authorization: AuthorizationPolicies = field(default_factory=AuthorizationPolicies)
    authentication: tuple[Resource, ...] = ()
    telemetries: tuple[Resource, ...] = ()
    extensions: tuple[Resource, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ListenerContext:
    """Everything that listeners of one class are built with."""

    snapshot: Snapshot
    settings: ListenerSettings
    cls: ListenerClass
    headers: ProxyHeaders
    logs: AccessLogs
    stats: tuple[Json, ...]
    tracing: Tracing
    authorization: AuthorizationFilters
    authentication: tuple[Json, ...]
    extensions: tuple[Extension, ...]


def listener_context(
    snapshot: Snapshot,
    settings: ListenerSettings,
    policies: WorkloadPolicies,
    *,
    cls: ListenerClass,
    identity: TraceIdentity | None = None,
) -> ListenerContext:
    """Build the context of a listener class; without an identity nothing can be traced, which TCP never is.

    Authorization and authentication are for what arrives at a workload, so outbound listeners have none.
    """
    telemetries = policies.telemetries
    guarded = cls is not ListenerClass.OUTBOUND
    clear = settings.role is not Role.SIDECAR
    return ListenerContext(
        snapshot=snapshot,
        settings=settings,
        cls=cls,
        headers=proxy_headers(settings.proxy_config, cls),
        logs=access_logs(snapshot, telemetries, cls=cls),
        stats=stats_filters(snapshot, telemetries, cls=cls, role=settings.role),
        tracing=tracing(snapshot, settings, telemetries, cls=cls, identity=identity) if identity else Tracing(),
        authorization=_authorization(snapshot, settings, policies) if guarded else AuthorizationFilters(),
        authentication=jwt_filters(snapshot, policies.authentication, clear_route_cache=clear) if guarded else (),
        extensions=extensions_of(policies.extensions, namespace=settings.namespace),
    )


def _authorization(snapshot: Snapshot, settings: ListenerSettings, policies: WorkloadPolicies) -> AuthorizationFilters:
    """Build authorization; behind a waypoint's tunnel the peer is known from filter state only."""
    behind_tunnel = settings.role is Role.WAYPOINT
    return authorization_filters(snapshot, policies.authorization, filter_state=behind_tunnel)
