"""Values of AuthorizationPolicy fields → matchers of Envoy's RBAC.

istiod: pilot/pkg/security/authz/matcher, pilot/pkg/security/authz/model/{permission,principal,util}.go.
"""

import re
from collections.abc import Sequence

from simulator.model.go_text import quote_meta
from simulator.model.wire import Json
from simulator.xds.envoy_messages import any_message

JWT_FILTER = "envoy.filters.http.jwt_authn"
ANY_TEXT: Json = {"safe_regex": {"regex": ".+"}}


def string_match(value: str, *, prefix: str = "", ignore_case: bool = False) -> Json:
    """Match `v`, `v*`, `*v` or `*`, all of it behind `prefix`."""
    if value == "*":
        return ANY_TEXT
    if value.startswith("*"):
        if prefix:
            return {"safe_regex": {"regex": f"{prefix}.*{quote_meta(value[1:])}"}}
        match: Json = {"suffix": value[1:]}
    elif value.endswith("*"):
        match = {"prefix": prefix + value[:-1]}
    else:
        match = {"exact": prefix + value}
    return {**match, "ignore_case": True} if ignore_case else match


def header_match(name: str, value: str, *, ignore_case: bool = False) -> Json:
    """Match a header; `*` asks only that it is present."""
    if value == "*":
        return {"name": name, "present_match": True}
    return {"name": name, "string_match": string_match(value, ignore_case=ignore_case)}


def one_of(values: Sequence[Json]) -> Json:
    """Combine value matchers with OR; a single one stays as it is."""
    return values[0] if len(values) == 1 else {"or_match": {"value_matchers": list(values)}}


def strings_match(values: Sequence[str]) -> Json:
    """Return the value matcher for any of several texts."""
    return one_of([{"string_match": string_match(value)} for value in values])


def metadata_match(filter_name: str, path: Sequence[str], value: Json) -> Json:
    """Match dynamic metadata that a filter left."""
    return {"filter": filter_name, "path": [{"key": key} for key in path], "value": value}


def list_match(value: Json) -> Json:
    """Match a list in which one element matches."""
    return {"list_match": {"one_of": value}}


def claim_match(claims: Sequence[str], values: Sequence[str]) -> Json:
    """Match a claim of a validated token, which may be a text or a list of texts."""
    value = strings_match(values)
    either = {"or_match": {"value_matchers": [list_match(value), value]}}
    return metadata_match(JWT_FILTER, ["payload", *claims], either)


def path_permission(value: str) -> Json:
    """Match the path of a request, which may be a template with `{*}` and `{**}`."""
    if "{*}" not in value and "{**}" not in value:
        return {"url_path": {"path": string_match(value)}}
    template = value.replace("{*}", "*").replace("{**}", "**")
    config = any_message("envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig", path_template=template)
    return {"uri_template": {"name": "uri-template", "typed_config": config}}


def bracketed_name(text: str) -> str:
    """Return `name` of `[name]`; raise ValueError for any other form."""
    if not (text.startswith("[") and text.endswith("]")):
        raise ValueError(f"expected [name], found {text}")
    return text[1:-1]


def bracketed_names(text: str) -> list[str]:
    """Return the names of `[a][b]`; brackets that do not nest so are part of one name."""
    names = re.findall(r"\[([^\[\]]*)\]", text)
    return names if names and "".join(f"[{name}]" for name in names) == text else [bracketed_name(text)]
