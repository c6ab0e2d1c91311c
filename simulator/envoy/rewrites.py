"""What a route makes of path and host, and where a redirect leads.

Envoy: source/common/router/config_impl.cc (finalizeRequestHeaders, rewritePathHeader), source/common/http/utility.cc
(newUri). A query is kept by rewrites, and by redirects unless they bring their own or strip it.
"""

from dataclasses import replace

from simulator.envoy.documents import child, flag, integer, text, typed
from simulator.envoy.headers import Message
from simulator.envoy.paths import split_query
from simulator.envoy.strings import replace_all
from simulator.envoy.uri_template import rewrite_template
from simulator.model.wire import Json


def rewritten_path(action: Json, match: Json, path: str) -> str:
    """Return the path after `prefix_rewrite`, `regex_rewrite` or `path_rewrite_policy` of a route or redirect."""
    bare, query = split_query(path)
    if "path_rewrite_policy" in action:
        config = typed(child(action, "path_rewrite_policy"))[1]
        template = text(typed(child(match, "path_match_policy"))[1], "path_template")
        return rewrite_template(template, bare, text(config, "path_template_rewrite")) + query
    if text(action, "path_rewrite"):
        return text(action, "path_rewrite")
    if text(action, "prefix_rewrite"):
        return text(action, "prefix_rewrite") + path[_matched_length(match, bare) :]
    if "regex_rewrite" in action:
        rewrite = child(action, "regex_rewrite")
        pattern = text(child(rewrite, "pattern"), "regex")
        return replace_all(pattern, bare, text(rewrite, "substitution")) + query
    return path


def _matched_length(match: Json, bare: str) -> int:
    if "prefix" in match:
        return len(text(match, "prefix"))
    if "path_separated_prefix" in match:
        return len(text(match, "path_separated_prefix"))
    if not match.keys() & {"path", "safe_regex", "path_match_policy", "connect_matcher"}:
        return 0
    return len(bare)


def rewritten_host(action: Json, message: Message) -> str:
    """Return the authority after the host rewrites of a route; `auto_host_rewrite` is the endpoint's business."""
    if text(action, "host_rewrite_literal"):
        return text(action, "host_rewrite_literal")
    if text(action, "host_rewrite_header"):
        return message.value(text(action, "host_rewrite_header")) or message.authority
    if "host_rewrite_path_regex" in action:
        rewrite = child(action, "host_rewrite_path_regex")
        pattern = text(child(rewrite, "pattern"), "regex")
        return replace_all(pattern, message.path_only, text(rewrite, "substitution")) or message.authority
    return message.authority


def rewrite(message: Message, action: Json, match: Json) -> Message:
    """Apply the host and path rewrites of a route action, keeping the original path in its header."""
    authority = rewritten_host(action, message)
    if authority != message.authority and flag(action, "append_x_forwarded_host"):
        message = message.with_field("x-forwarded-host", message.authority)
    path = rewritten_path(action, match, message.path) if message.path else ""
    if path != message.path:
        message = message.with_field("x-envoy-original-path", message.path)
    return replace(message, authority=authority, path=path)


_REDIRECT_CODES = {
    "": 301, "MOVED_PERMANENTLY": 301, "0": 301, "FOUND": 302, "1": 302, "SEE_OTHER": 303, "2": 303,
    "TEMPORARY_REDIRECT": 307, "3": 307, "PERMANENT_REDIRECT": 308, "4": 308,
}  # fmt: skip


def redirect_code(action: Json) -> int:
    """Return the status of a redirect action."""
    return _REDIRECT_CODES.get(text(action, "response_code"), 301)


def redirect_location(action: Json, match: Json, message: Message) -> str:
    """Return the Location of a redirect action."""
    scheme = text(action, "scheme_redirect") or ("https" if flag(action, "https_redirect") else message.scheme)
    port = f":{integer(action, 'port_redirect')}" if integer(action, "port_redirect") else ""
    host = text(action, "host_redirect") or _request_host(message, scheme, port)
    wanted = text(action, "path_redirect")
    if wanted:
        path = wanted if "?" in wanted else wanted + split_query(message.path)[1]
    else:
        path = rewritten_path(action, match, message.path)
    if flag(action, "strip_query") and "?" not in wanted:
        path = split_query(path)[0]
    slash = "" if path.startswith("/") else "/"
    return f"{scheme}://{host}{port}{slash}{path}"


def _request_host(message: Message, scheme: str, port: str) -> str:
    host = message.authority
    start = (host.rfind("]:") + 1 or -1) if host.startswith("[") else host.rfind(":")
    if start < 0:
        return host
    sent = message.value("x-forwarded-proto") or ""
    drops = bool(port)
    if scheme != sent:
        drops = drops or host[start:] == {"https": ":443", "http": ":80"}.get(sent.lower())
    return host[:start] if drops else host


def tls_location(message: Message) -> str:
    """Return where `require_tls` sends a request."""
    return f"https://{message.authority}{message.path}"
