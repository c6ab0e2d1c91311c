"""One request in an HTTP connection manager: virtual host, route, filters, and what the route does.

Envoy: source/common/http/conn_manager_impl.cc, source/common/router/{config_impl,router}.cc. The route is chosen before
the filters run; a filter that learns claims may have it chosen again.
"""

from dataclasses import dataclass, field, replace

from simulator.envoy.config import Config
from simulator.envoy.connections import Connection
from simulator.envoy.documents import child, flag, integer, text
from simulator.envoy.forwarding import Departure, Target, forward
from simulator.envoy.header_mutation import mutate
from simulator.envoy.headers import Message
from simulator.envoy.http_codec import is_upgrade
from simulator.envoy.http_connection import Accepted, accept
from simulator.envoy.http_filters import configured, run
from simulator.envoy.rewrites import redirect_code, redirect_location, rewrite, tls_location
from simulator.envoy.route_action import (
    Choice,
    choose_cluster,
    describe_action,
    header_levels,
    mirrors,
    missing_cluster_status,
    upgrade_allowed,
)
from simulator.envoy.route_match import Context, RouteMatch, match_route, route_name
from simulator.envoy.timeouts import retry_policy_of, with_grpc_timeout
from simulator.envoy.virtual_host_match import VirtualHosts
from simulator.model.requests import Request, Wire
from simulator.model.traces import Disposition, Step, StepKind, Verdict
from simulator.model.wire import Json

_NO_CHOICE = Choice(cluster="", shares=(), because="", entry={})


@dataclass(slots=True)
class _Run:
    config: Config
    manager: Json
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    configuration: Json = field(default_factory=dict)
    virtual_host: Json | None = None
    route: Json | None = None
    choice: Choice = _NO_CHOICE
    redirects_to_tls: bool = False

    def end(self, verdict: Verdict, departure: Departure | None = None) -> Departure:
        """Finish with everything recorded so far."""
        steps, notes = tuple(self.steps), tuple(self.notes)
        if departure is None:
            return Departure(steps=steps, verdict=verdict, notes=notes)
        return replace(departure, steps=(*steps, *departure.steps), notes=(*notes, *departure.notes))


def route_http(config: Config, manager: Json, connection: Connection) -> Departure:
    """Predict what an HttpConnectionManager does with a request."""
    state = _Run(config, manager)
    accepted = accept(manager, connection)
    state.steps.append(_connection_step(accepted, connection.request, manager))
    if not accepted.decoded:
        return state.end(_refused(accepted))
    no_host = accepted.refusal is not None and accepted.refusal.details == "missing_host_header"
    missing = _find_virtual_host(state, None if no_host else accepted.message.authority)
    context = Context(
        connection=connection,
        message=accepted.message,
        remote_ip=accepted.remote_ip,
        metadata=connection.request.metadata,
    )
    if accepted.refusal is not None:
        if accepted.message.value("x-forwarded-proto"):  # else Envoy has not set it yet, and finds no route
            _find_route(state, context)
        return state.end(_refused(accepted))
    if missing is not None:
        return state.end(missing)
    _find_route(state, context)
    refusal = _upgrade_refusal(state, context.message)
    if refusal is not None:
        return state.end(refusal)
    verdict, context = _filters(state, context)
    if verdict is not None:
        return state.end(verdict)
    return _act(state, context)


def _refused(accepted: Accepted) -> Verdict:
    refusal = accepted.refusal
    assert refusal is not None
    return Verdict(
        disposition=Disposition.BAD_REQUEST,
        status=refusal.status,
        details=refusal.details,
        body=refusal.body,
        flags=refusal.flags,
        location=refusal.location,
    )


def _connection_step(accepted: Accepted, request: Request, manager: Json) -> Step:
    versions = {Wire.HTTP1: "HTTP/1.1", Wire.HTTP10: "HTTP/1.0", Wire.HTTP2: "HTTP/2"}
    message = accepted.message
    because = accepted.refusal.details if accepted.refusal else ", ".join(accepted.changes) or "accepted as it is"
    head = f"{versions.get(request.wire, 'HTTP')} {message.method} {message.authority}{message.path}"
    details = {"scheme": message.scheme, "client_ip": accepted.remote_ip, "path": message.path}
    return Step(kind=StepKind.HTTP_CONNECTION, chosen=head, because=because, details=details, document=manager)


def _find_virtual_host(state: _Run, authority: str | None) -> Verdict | None:
    """Find the route configuration and virtual host; return a verdict when there is no route configuration."""
    manager = state.manager
    name = text(child(manager, "rds"), "route_config_name")
    configuration = state.config.routes.get(name) if name else child(manager, "route_config")
    if configuration is None or (not name and not configuration):
        step = Step(
            kind=StepKind.ROUTE_CONFIGURATION,
            chosen=name or "none",
            because="the proxy has no such route configuration",
        )
        state.steps.append(step)
        return _no_route(details="route_not_found", grpc=False)
    shown = name or text(configuration, "name") or "inline"
    because = "the listener names it" if name else "part of the listener"
    state.steps.append(Step(kind=StepKind.ROUTE_CONFIGURATION, chosen=shown, because=because, document=configuration))
    hosts: VirtualHosts = state.config.view("virtual hosts", configuration, VirtualHosts)
    found = hosts.match(authority)
    state.configuration, state.virtual_host = configuration, found.virtual_host
    chosen = text(found.virtual_host, "name") if found.virtual_host is not None else "none"
    state.steps.append(
        Step(
            kind=StepKind.VIRTUAL_HOST,
            chosen=chosen,
            because=found.because,
            rejected=found.rejected,
            index=found.index,
            document=found.virtual_host,
        )
    )
    return None


def _find_route(state: _Run, context: Context) -> None:
    """Choose the route and its cluster; the step is replaced when it is done again."""
    state.steps = [step for step in state.steps if step.kind is not StepKind.ROUTE]
    state.route, state.choice, state.redirects_to_tls = None, _NO_CHOICE, False
    if state.virtual_host is None:
        return
    if context.message.value("x-forwarded-proto") == "":
        because = "routes are not looked at when X-Forwarded-Proto is there and empty"
        state.steps.append(Step(kind=StepKind.ROUTE, chosen="none", because=because))
        return
    if _wants_tls(state.virtual_host, context):
        state.redirects_to_tls = True
        state.steps.append(
            Step(
                kind=StepKind.ROUTE,
                chosen="redirect to https",
                because="the virtual host requires TLS",
                document=state.virtual_host,
            )
        )
        return
    found = match_route(state.virtual_host, context)
    if found.route is not None:
        state.route = found.route
        if "route" in found.route:
            state.choice = choose_cluster(child(found.route, "route"), context)
    state.steps.append(_route_step(state, found))


def _wants_tls(virtual_host: Json, context: Context) -> bool:
    required = text(virtual_host, "require_tls")
    if context.message.value("x-forwarded-proto") == "https" or (not context.message.path and not required):
        return False
    if required in ("ALL", "2"):
        return True
    return required in ("EXTERNAL_ONLY", "1") and context.message.value("x-envoy-internal") != "true"


def _route_step(state: _Run, found: RouteMatch) -> Step:
    if found.route is None or found.index is None:
        return Step(kind=StepKind.ROUTE, chosen="none", because=found.because, rejected=found.rejected)
    levels = header_levels(state.choice, found.route, state.virtual_host or {}, state.configuration)
    details = describe_action(found.route, state.virtual_host or {}, levels) if "route" in found.route else {}
    return Step(
        kind=StepKind.ROUTE,
        chosen=route_name(found.route, found.index),
        because=found.because,
        rejected=found.rejected,
        index=found.index,
        details=details,
        document=found.route,
    )


def _upgrade_refusal(state: _Run, message: Message) -> Verdict | None:
    connect = message.method == "CONNECT"
    kind = "CONNECT" if connect else (message.value("upgrade") or "")
    if not connect and (not is_upgrade(message.fields) or kind.lower() == "h2c"):
        return None
    action = child(state.route or {}, "route")
    if upgrade_allowed(kind, state.manager, action) or (state.route is None and not state.redirects_to_tls):
        return None  # without a route the request goes on to its 404
    return Verdict(disposition=Disposition.UPGRADE_REFUSED, status=403, details="upgrade_failed")


def _filters(state: _Run, context: Context) -> tuple[Verdict | None, Context]:
    levels = [level for level in (state.choice.entry, state.route, state.virtual_host) if level]
    cluster = state.choice.cluster if "route" in (state.route or {}) else None
    for item in configured(state.manager, levels, state.config.extensions, cluster=cluster):
        outcome = run(item, context)
        context = outcome.context
        state.steps += outcome.steps
        state.notes += outcome.notes
        if outcome.verdict is not None:
            return outcome.verdict, context
        if outcome.reroutes:
            _find_route(state, context)
    return None, context


def _no_route(*, details: str, grpc: bool) -> Verdict:
    return Verdict(disposition=Disposition.NO_ROUTE, status=200 if grpc else 404, details=details, flags="NR")


def _act(state: _Run, context: Context) -> Departure:
    message, route = context.message, state.route
    if state.redirects_to_tls:
        return state.end(_redirected(301, tls_location(message), message))
    if route is None:
        return state.end(_no_route(details="route_not_found", grpc=message.is_grpc))
    match = child(route, "match")
    if "redirect" in route:
        action = child(route, "redirect")
        return state.end(_redirected(redirect_code(action), redirect_location(action, match, message), message))
    if "direct_response" in route:
        return state.end(_direct_response(child(route, "direct_response"), match, message))
    if "route" not in route:
        return state.end(_no_route(details="route_not_found", grpc=message.is_grpc))
    return _forward(state, context, child(route, "route"), match)


def _redirected(status: int, location: str, message: Message) -> Verdict:
    return Verdict(
        disposition=Disposition.REDIRECTED,
        status=200 if message.is_grpc else status,
        details="direct_response",
        location=location,
    )


def _direct_response(action: Json, match: Json, message: Message) -> Verdict:
    status = integer(action, "status", 200)
    return Verdict(
        disposition=Disposition.DIRECT_RESPONSE,
        status=200 if message.is_grpc else status,
        details="direct_response",
        # gRPC clients get the text in a header
        body="" if message.is_grpc else text(child(action, "body"), "inline_string"),
        location=redirect_location({}, match, message) if 300 <= status < 400 else "",
    )


def _forward(state: _Run, context: Context, action: Json, match: Json) -> Departure:
    virtual_host = state.virtual_host or {}
    levels = header_levels(state.choice, state.route or {}, virtual_host, state.configuration)
    message, changes = mutate(context.message, levels, context)
    rewrites = {
        **action,
        **(
            {"host_rewrite_literal": state.choice.entry["host_rewrite_literal"]}
            if "host_rewrite_literal" in state.choice.entry
            else {}
        ),
    }
    message = rewrite(message, rewrites, match)
    message = with_grpc_timeout(message, action, retry_policy_of(action, virtual_host))
    _record_changes(state, context.message, message, changes)
    request = replace(
        context.connection.request,
        target=message.path or context.connection.request.target,
        authority=message.authority,
        scheme=message.scheme,
        headers=message.fields,
    )
    missing = missing_cluster_status(action)
    target = Target(
        cluster=state.choice.cluster,
        shares=state.choice.shares,
        because=state.choice.because,
        request=request,
        http=True,
        mirrors=mirrors(action, virtual_host),
        filters=tuple(state.manager.get("http_filters") or ()),
        auto_host_rewrite=flag(action, "auto_host_rewrite"),
        missing_status=200 if message.is_grpc else missing,
    )
    departure = forward(state.config, target)
    if message.is_grpc and departure.verdict.status == 503:
        departure = replace(departure, verdict=replace(departure.verdict, status=200))
    return state.end(departure.verdict, departure)


def _record_changes(state: _Run, before: Message, after: Message, changes: tuple[str, ...]) -> None:
    """Add what the route does to the request to its step."""
    details: dict[str, object] = {}
    if changes:
        details["request_headers"] = list(changes)
    if before.path != after.path:
        details["path"] = f"{before.path} becomes {after.path}"
    if before.authority != after.authority:
        details["host"] = f"{before.authority} becomes {after.authority}"
    if details:
        state.steps = [
            replace(step, details={**step.details, **details}) if step.kind is StepKind.ROUTE else step
            for step in state.steps
        ]
