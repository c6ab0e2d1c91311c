"""Headers that a route adds, replaces and removes.

Envoy: source/common/router/header_parser.cc. Weighted cluster, route, virtual host and route configuration apply in
this order (the reverse when `most_specific_header_mutations_wins`); each removes first and then adds.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from simulator.envoy.addresses import join
from simulator.envoy.documents import child, children, flag, text, texts
from simulator.envoy.header_lines import Fields, one_line
from simulator.envoy.headers import Message, query_parameters
from simulator.envoy.route_match import Context
from simulator.model.requests import Tls, Wire
from simulator.model.wire import Json

_COMMAND = re.compile(r"%([A-Z_]+)(?:\(([^)]*)\))?(?::(\d+))?%")
_NOTHING_YET = frozenset(
    {
        "CONNECTION_TERMINATION_DETAILS",
        "GRPC_STATUS",
        "RESP",
        "RESPONSE_CODE_DETAILS",
        "TRAILER",
        "UPSTREAM_HOST",
        "VIRTUAL_CLUSTER_NAME",
    }
)
"""Commands that have no value when a request is sent on."""


def mutate(message: Message, levels: Sequence[Json], context: Context) -> tuple[Message, tuple[str, ...]]:
    """Apply the request header changes of `levels` in their order; return what they did in words.

    `context` answers the commands in values, such as `%DOWNSTREAM_REMOTE_ADDRESS%`; one not known stays as it is.
    """
    done: list[str] = []
    for level in levels:
        removed = texts(level, "request_headers_to_remove")
        message = message.without(removed)
        done += [f"remove {name}" for name in removed]
        for option in children(level, "request_headers_to_add"):
            message, what = _add(message, option, context)
            done.append(what)
    return message, tuple(done)


def mutate_response(fields: Fields, levels: Sequence[Json]) -> Fields:
    """Apply the response header changes of `levels` in their order; commands in values stay as they are written."""
    for level in levels:
        removed = {name.lower() for name in texts(level, "response_headers_to_remove")}
        fields = tuple(field for field in fields if field[0] not in removed)
        for option in children(level, "response_headers_to_add"):
            header = child(option, "header")
            fields = _added(fields, text(header, "key").lower(), text(header, "value"), _verb(option))
    return fields


def _added(fields: Fields, name: str, value: str, verb: str) -> Fields:
    present = any(each == name for each, _ in fields)
    if (verb == "default" and present) or (verb == "replace" and not present):
        return fields
    kept = fields if verb == "add" else tuple(field for field in fields if field[0] != name)
    return (*kept, (name, value.replace("%%", "%")))


def response_changes(levels: Sequence[Json]) -> tuple[str, ...]:
    """Return in words what `levels` do to response headers."""
    done: list[str] = []
    for level in levels:
        done += [f"remove {name}" for name in texts(level, "response_headers_to_remove")]
        for option in children(level, "response_headers_to_add"):
            header = child(option, "header")
            done.append(f"{_verb(option)} {text(header, 'key')}: {text(header, 'value')}")
    return tuple(done)


def _verb(option: Json) -> str:
    if "append" in option and "append_action" not in option:
        return "add" if flag(option, "append", default=True) else "set"
    return {"OVERWRITE_IF_EXISTS_OR_ADD": "set", "ADD_IF_ABSENT": "default", "OVERWRITE_IF_EXISTS": "replace"}.get(
        text(option, "append_action"), "add"
    )


def _add(message: Message, option: Json, context: Context) -> tuple[Message, str]:
    header = child(option, "header")
    name = text(header, "key").lower()
    value = _expand(text(header, "value"), message, context)
    verb = _verb(option)
    present = bool(message.values(name))
    what = f"{verb} {name}: {value}"
    if not value and not flag(option, "keep_empty_value"):
        return message, f"{what} (does not apply: the value is empty)"
    if verb == "set" or (verb == "replace" and present) or (verb == "default" and not present):
        return message.with_field(name, value), what
    if verb == "add":
        added = message.adding(name, value)
        return replace(added, fields=one_line(added.fields)), what
    return message, f"{what} (does not apply)"


def _expand(value: str, message: Message, context: Context) -> str:
    known = _known(context)

    def substitute(match: re.Match[str]) -> str:
        command, argument, length = match[1], match[2], match[3]
        found: str | None = match[0]
        if command in _NOTHING_YET:
            found = None
        elif command in known and not argument:
            found = known[command]
        elif command == "REQ" and argument:
            found = _header(message, argument)
        elif command == "PATH":
            found = message.path_only if argument == "NQ" else message.path
        elif command == "QUERY_PARAM" and argument:
            found = query_parameters(message.path).get(argument)
        return (found or "")[: int(length) if length else None]

    return _COMMAND.sub(substitute, value).replace("%%", "%")


def _known(context: Context) -> Mapping[str, str]:
    request = context.connection.request
    # the address in headers has no port
    port = request.source_port if context.remote_ip in ("", request.source_ip) else 0
    remote = context.remote_ip or request.source_ip
    return {
        "DOWNSTREAM_REMOTE_ADDRESS": join(remote, port),
        "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT": remote,
        "DOWNSTREAM_REMOTE_PORT": str(port),
        "DOWNSTREAM_DIRECT_REMOTE_ADDRESS": join(request.source_ip, request.source_port),
        "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT": request.source_ip,
        "DOWNSTREAM_LOCAL_ADDRESS": join(request.destination_ip, request.port),
        "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT": request.destination_ip,
        "DOWNSTREAM_LOCAL_PORT": str(request.port),
        "DOWNSTREAM_PEER_URI_SAN": request.identity if request.tls is Tls.MUTUAL else "",
        "REQUESTED_SERVER_NAME": context.connection.server_name or request.sni,
        "PROTOCOL": "HTTP/2" if request.wire is Wire.HTTP2 else "HTTP/1.1",
        "RESPONSE_CODE": "0",
    }


def _header(message: Message, argument: str) -> str | None:
    """Return the header that a command names, or the one after the question mark in its place."""
    return next((found for name in argument.split("?") if (found := message.value(name)) is not None), None)
