"""Headers that a route adds, replaces and removes.

Envoy: source/common/router/header_parser.cc. Weighted cluster, route, virtual host and route configuration apply in
this order (the reverse when `most_specific_header_mutations_wins`); each removes first and then adds.
"""

import re
from collections.abc import Sequence

from simulator.envoy.addresses import join
from simulator.envoy.documents import child, children, flag, text, texts
from simulator.envoy.headers import Message
from simulator.model.requests import Request, Wire
from simulator.model.wire import Json

_COMMAND = re.compile(r"%([A-Z_]+)(?:\(([^)]*)\))?%")


def mutate(message: Message, levels: Sequence[Json], request: Request) -> tuple[Message, tuple[str, ...]]:
    """Apply the request header changes of `levels` in their order; return what they did in words.

    `request` answers the commands in values, such as `%DOWNSTREAM_REMOTE_ADDRESS%`; a command not known stays as it is.
    """
    done: list[str] = []
    for level in levels:
        removed = texts(level, "request_headers_to_remove")
        message = message.without(removed)
        done += [f"remove {name}" for name in removed]
        for option in children(level, "request_headers_to_add"):
            message, what = _add(message, option, request)
            done.append(what)
    return message, tuple(done)


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


def _add(message: Message, option: Json, request: Request) -> tuple[Message, str]:
    header = child(option, "header")
    name = text(header, "key").lower()
    value = _expand(text(header, "value"), message, request)
    verb = _verb(option)
    present = bool(message.values(name))
    what = f"{verb} {name}: {value}"
    if verb == "set" or (verb == "replace" and present) or (verb == "default" and not present):
        return message.with_field(name, value), what
    if verb == "add":
        return message.adding(name, value), what
    return message, f"{what} (does not apply)"


def _expand(value: str, message: Message, request: Request) -> str:
    known = {
        "DOWNSTREAM_REMOTE_ADDRESS": join(request.source_ip, request.source_port),
        "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT": request.source_ip,
        "DOWNSTREAM_DIRECT_REMOTE_ADDRESS": join(request.source_ip, request.source_port),
        "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT": request.source_ip,
        "DOWNSTREAM_LOCAL_ADDRESS": join(request.destination_ip, request.port),
        "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT": request.destination_ip,
        "DOWNSTREAM_LOCAL_PORT": str(request.port),
        "DOWNSTREAM_PEER_URI_SAN": request.identity or "-",
        "REQUESTED_SERVER_NAME": request.sni or "-",
        "PROTOCOL": "HTTP/2" if request.wire is Wire.HTTP2 else "HTTP/1.1",
    }

    def substitute(match: re.Match[str]) -> str:
        if match[1] in known and not match[2]:
            return known[match[1]]
        if match[1] != "REQ" or not match[2]:
            return match[0]
        names = match[2].split(":", 1)[0] if not match[2].startswith(":") else match[2]
        for name in names.split("?"):
            found = message.value(name)
            if found is not None:
                return found
        return "-"

    return _COMMAND.sub(substitute, value).replace("%%", "%")
