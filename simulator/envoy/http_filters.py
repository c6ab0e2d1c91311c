"""The HTTP filters of a connection manager in their order, and a note for each that cannot be predicted.

A filter's configuration comes from the most specific of weighted cluster, route and virtual host, found by the filter's
name, and from the filter itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from simulator.envoy.cors import answer_cors
from simulator.envoy.documents import child, children, flag, mapping, package, text, unpack
from simulator.envoy.fault_injection import inject_fault
from simulator.envoy.filter_outcomes import Filter, Outcome, answer, step_of
from simulator.envoy.jwt_authn import authenticate
from simulator.envoy.rbac_filter import authorize
from simulator.envoy.route_match import Context
from simulator.envoy.strings import matches_metadata
from simulator.model.traces import Disposition
from simulator.model.wire import Json

JWT_METADATA = "envoy.filters.http.jwt_authn"


def configured(
    manager: Json, levels: Sequence[Json], extensions: Mapping[str, Json], *, cluster: str | None
) -> Iterator[Filter]:
    """Yield the filters of an HttpConnectionManager in order; `levels` are the nearest route level first."""
    for document in children(manager, "http_filters"):
        name = text(document, "name")
        config = child(document, "typed_config")
        if "config_discovery" in document:
            config = child(extensions.get(name, {}), "typed_config")
        overrides: list[Json] = []
        disabled = flag(document, "disabled")
        for level in levels:
            override = mapping(level, "typed_per_filter_config").get(name)
            if override is None:
                continue
            kind, content = unpack(override)
            if kind == "FilterConfig" and package(override) == "envoy.config.route.v3.FilterConfig":
                disabled = flag(content, "disabled")
                content = unpack(child(content, "config"))[1]
            overrides.append(content)
        yield Filter(
            name=name,
            kind=package(config),
            config=unpack(config)[1],
            overrides=tuple(overrides),
            disabled=disabled,
            cluster=cluster,
        )


def run(item: Filter, context: Context) -> Outcome:
    """Run one filter."""
    handler = _HANDLERS.get(item.kind)
    if item.disabled or item.kind in _NEUTRAL:
        return Outcome(context=context)
    if handler is None:
        return Outcome(context=context, notes=(f"HTTP filter {item.name} is not simulated: taken to let it pass",))
    return handler(item, context)


def _jwt(item: Filter, context: Context) -> Outcome:
    found = authenticate(item.config, context)
    if found is None:
        return Outcome(context=context)
    if found.error:
        details = f"jwt_authn_access_denied{{{found.error.replace(' ', '_')}}}"
        verdict = answer(Disposition.UNAUTHENTICATED, context, status=found.status, details=details, body=found.error)
        return Outcome(
            context=context, steps=(step_of(item, chosen="token refused", because=found.error),), verdict=verdict
        )
    if not found.provider:
        step = step_of(item, chosen="no token", because="none was sent, and none is required")
        return Outcome(context=replace(context, message=found.message), steps=(step,))
    metadata = {**context.metadata, JWT_METADATA: dict(found.metadata)}
    step = step_of(item, chosen=f"token accepted by {found.provider}", because=f"issuer {found.issuer}")
    note = "the token's signature was not checked"
    changed = replace(context, message=found.message, metadata=metadata)
    return Outcome(context=changed, steps=(step,), reroutes=found.reroutes, notes=(note,))


def _ext_authz(item: Filter, context: Context) -> Outcome:
    config = item.config
    if "filter_enabled_metadata" in config and not matches_metadata(
        child(config, "filter_enabled_metadata"), context.metadata
    ):
        return Outcome(context=context)
    step = step_of(
        item, chosen="external authorization", because="the answer of the service is not known: taken to allow"
    )
    return Outcome(
        context=context, steps=(step,), notes=(f"{item.name} asks a service outside the proxy: taken to allow",)
    )


_HTTP = "envoy.extensions.filters.http."
_HANDLERS = {
    f"{_HTTP}cors.v3.Cors": answer_cors,
    f"{_HTTP}fault.v3.HTTPFault": inject_fault,
    f"{_HTTP}jwt_authn.v3.JwtAuthentication": _jwt,
    f"{_HTTP}rbac.v3.RBAC": authorize,
    f"{_HTTP}ext_authz.v3.ExtAuthz": _ext_authz,
}
_NEUTRAL = frozenset(
    {
        "",
        f"{_HTTP}router.v3.Router",
        f"{_HTTP}grpc_stats.v3.FilterConfig",
        f"{_HTTP}grpc_web.v3.GrpcWeb",
        f"{_HTTP}set_filter_state.v3.Config",
        f"{_HTTP}compressor.v3.Compressor",
        f"{_HTTP}stateful_session.v3.StatefulSession",
        "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig",
        "io.istio.http.peer_metadata.Config",
        "stats.PluginConfig",
    }
)
"""Filters that neither answer nor change what is matched later."""
