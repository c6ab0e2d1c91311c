"""The `tracing` of an HTTP connection manager: sampling, provider, and tags.

istiod: pilot/pkg/networking/core/tracing.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.model.proxies import Role
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.envoy_messages import message
from simulator.xds.listener_settings import ListenerClass, ListenerSettings, TraceIdentity, number_flag
from simulator.xds.telemetry import TraceChoice, merge_tracing, workload_mode
from simulator.xds.tracing_providers import TracingProvider, UnknownCluster, tracing_provider

_PEER_FIELDS = {
    "workload": "workload",
    "namespace": "namespace",
    "cluster_id": "cluster",
    "canonical_service": "service",
    "canonical_revision": "revision",
    "app": "app",
    "app_version": "version",
    "workload_type": "type",
    "instance_name": "name",
}
_DRY_RUN = {
    "allow_policy.name": "istio_dry_run_allow_shadow_effective_policy_id",
    "allow_policy.result": "istio_dry_run_allow_shadow_engine_result",
    "deny_policy.name": "istio_dry_run_deny_shadow_effective_policy_id",
    "deny_policy.result": "istio_dry_run_deny_shadow_engine_result",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """The tracing settings of a connection manager."""

    config: Json | None = None
    use_request_id: bool = True
    """A request id carries whether its request is traced."""


def tracing(
    snapshot: Snapshot,
    settings: ListenerSettings,
    telemetries: Sequence[Resource],
    *,
    cls: ListenerClass,
    identity: TraceIdentity,
) -> Tracing:
    """Return the tracing of a listener class; `config` is None where nothing is traced."""
    choice = merge_tracing(snapshot, telemetries, mode=workload_mode(cls))
    if choice is None:
        return Tracing(config=_from_mesh(snapshot, settings, identity))
    if choice.disabled or choice.provider is None:
        return Tracing()
    try:
        built = tracing_provider(snapshot, settings, choice.provider, identity=identity)
    except UnknownCluster:
        return Tracing()
    own = settings.proxy_config.get("tracing", default={})
    tags = _tags(own, choice.custom_tags, identity, istio=choice.istio_tags, role=settings.role)
    config = message(
        **_sampling(100.0 if built.custom_sampler else _percentage(snapshot, own, choice)),
        provider=built.provider,
        spawn_upstream_span=True if _child_span(snapshot, settings, built) else None,
        max_path_tag_length=built.max_tag_length or own.get("maxPathTagLength") or None,
        no_context_propagation=choice.no_context_propagation or None,
        custom_tags=tags,
    )
    return Tracing(config=config, use_request_id=choice.use_request_id)


def _child_span(snapshot: Snapshot, settings: ListenerSettings, built: TracingProvider) -> bool:
    if built.child_span:
        return True
    return settings.role is Role.GATEWAY and snapshot.flag("PILOT_SPAWN_UPSTREAM_SPAN_FOR_GATEWAY", default=True)


def _from_mesh(snapshot: Snapshot, settings: ListenerSettings, identity: TraceIdentity) -> Json | None:
    if not snapshot.mesh.get("enableTracing", True):
        return None
    own = settings.proxy_config.get("tracing", default={})
    return message(
        **_sampling(_configured(snapshot, own)),
        custom_tags=_tags(own, {}, identity, istio=own.get("enableIstioTags", True), role=settings.role),
        max_path_tag_length=own.get("maxPathTagLength") or None,
    )


def _sampling(percentage: float) -> Json:
    full = {"value": 100}
    return {
        "client_sampling": full,
        "overall_sampling": full,
        "random_sampling": {"value": percentage} if percentage else {},
    }


def _percentage(snapshot: Snapshot, own: Json, choice: TraceChoice) -> float:
    return _configured(snapshot, own) if choice.sampling is None else choice.sampling


def _configured(snapshot: Snapshot, own: Json) -> float:
    """Return the percentage of the proxy's configuration; one above 100 counts as 1."""
    percentage = own.get("sampling") or 0.0
    if not percentage:
        default = number_flag(snapshot, "PILOT_TRACE_SAMPLING", 1.0)
        return default if 0 <= default <= 100 else 1.0
    return 1.0 if percentage > 100 else float(percentage)


def _tags(own: Json, custom: Json, identity: TraceIdentity, *, istio: bool, role: Role) -> list[Json]:
    tags = [*_identity_tags(identity), *_dry_run_tags()] if istio else []
    tags += _peer_tags() if role is Role.WAYPOINT else []
    tags += [_custom_tag(name, tag) for name, tag in (custom or own.get("customTags") or {}).items() if tag]
    return sorted(tags, key=lambda tag: str(tag["tag"]))


def _identity_tags(identity: TraceIdentity) -> list[Json]:
    values = {
        "istio.canonical_revision": identity.canonical_revision,
        "istio.canonical_service": identity.canonical_service,
        "istio.mesh_id": identity.mesh_id,
        "istio.namespace": identity.namespace,
        "istio.cluster_id": identity.cluster_id,
    }
    return [{"tag": tag, "literal": {"value": value}} for tag, value in values.items()]


def _peer_tags() -> list[Json]:
    """Return the tags by which a waypoint names both ends of a request, neither of which it is."""
    sides = {"source": "downstream", "destination": "upstream"}
    return [
        {"tag": f"istio.{end}_{tag}", "value": f"%FILTER_STATE({side}_peer_obj:FIELD:{name})%"}
        for end, side in sides.items()
        for tag, name in _PEER_FIELDS.items()
    ]


def _dry_run_tags() -> list[Json]:
    return [
        {
            "tag": f"istio.authorization.dry_run.{tag}",
            "metadata": {
                "kind": {"request": {}},
                "metadata_key": {"key": "envoy.filters.http.rbac", "path": [{"key": key}]},
            },
        }
        for tag, key in _DRY_RUN.items()
    ]


def _custom_tag(name: str, tag: Json) -> Json:
    if (environment := tag.get("environment")) is not None:
        return {"tag": name, "environment": _named(environment)}
    if (header := tag.get("header")) is not None:
        return {"tag": name, "request_header": _named(header)}
    if (formatter := tag.get("formatter")) is not None:
        return {"tag": name, "value": formatter.get("value", "")}
    return {"tag": name, "literal": message(value=(tag.get("literal") or {}).get("value"))}


def _named(source: Json) -> Json:
    return message(name=source.get("name"), default_value=source.get("defaultValue"))
