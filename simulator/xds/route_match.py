"""HTTPMatchRequest → RouteMatch (istiod: pilot/pkg/networking/core/route/route.go, TranslateRouteMatch)."""

from simulator.model.wire import Json, Route

JWT_FILTER = "envoy.filters.http.jwt_authn"
_CLAIMS = "@request.auth.claims"


def route_match(match: Json | None, *, separated_prefix: bool = False) -> Json:
    """Translate one match block; None is a rule without match blocks.

    `separated_prefix` is how rules made from Ingress and Gateway API read a prefix: by whole path elements.
    """
    if match is None:
        return {"prefix": "/"}
    headers, claims = _header_matchers(match)
    result = _path(match.get("uri") or {}, separated_prefix=separated_prefix)
    result["case_sensitive"] = not match.get("ignoreUriCase", False)
    for pseudo in ("method", "authority", "scheme"):
        if match.get(pseudo) is not None:
            headers.append(named_matcher(f":{pseudo}", match[pseudo]))
    if headers:
        result["headers"] = headers
    if claims:
        result["dynamic_metadata"] = claims
    queries = [named_matcher(name, value) for name, value in sorted((match.get("queryParams") or {}).items())]
    if queries:
        result["query_parameters"] = queries
    return result


def is_catch_all(route: Route) -> bool:
    """Tell whether a route takes every request, so that nothing after it is ever reached."""
    match = route["match"]
    everything = (
        match.get("prefix") == "/"
        or match.get("path_separated_prefix") == "/"
        or (match.get("safe_regex") or {}).get("regex") == ".*"
    )
    return everything and not (match.get("headers") or match.get("query_parameters") or match.get("dynamic_metadata"))


def string_matcher(value: Json) -> Json | None:
    """Translate a StringMatch; None when it names no kind of match."""
    for kind in ("exact", "prefix"):
        if value.get(kind) is not None:
            return {kind: value[kind]}
    if value.get("regex") is not None:
        return {"safe_regex": {"regex": value["regex"]}}
    return None


def named_matcher(name: str, value: Json | None) -> Json:
    """Translate the condition on a header or query parameter; an empty one, or the regex `*`, asks for presence."""
    matcher = None if _asks_presence(value) else string_matcher(value or {})
    return {"name": name, "present_match": True} if matcher is None else {"name": name, "string_match": matcher}


def _header_matchers(match: Json) -> tuple[list[Json], list[Json]]:
    headers: list[Json] = []
    claims: list[Json] = []
    for name, value in sorted((match.get("headers") or {}).items()):
        path = _claim_path(name)
        if path is not None:
            claims.append(_claim_matcher(path, value))
        else:
            headers.append(named_matcher(name, value))
    for name, value in sorted((match.get("withoutHeaders") or {}).items()):
        path = _claim_path(name)
        if path is not None:
            claims.append(_claim_matcher(path, value) | {"invert": True})
            continue
        header = named_matcher(name, value) | {"invert_match": True}
        if not _asks_presence(value):
            header["treat_missing_header_as_empty"] = True
        headers.append(header)
    return sorted(headers, key=lambda header: str(header["name"])), claims


def _path(uri: Json, *, separated_prefix: bool) -> Json:
    if uri.get("exact") is not None:
        return {"path": uri["exact"]}
    if uri.get("prefix") is not None:
        if separated_prefix and uri["prefix"] != "/":
            return {"path_separated_prefix": uri["prefix"].removesuffix("/")}
        return {"prefix": uri["prefix"]}
    if uri.get("regex") is not None:
        return {"safe_regex": {"regex": uri["regex"]}}
    return {"prefix": "/"}


def _asks_presence(value: Json | None) -> bool:
    return not value or all(item is None for item in value.values()) or value.get("regex") == "*"


def _claim_path(name: str) -> list[str] | None:
    """Read `@request.auth.claims.a.b` or `@request.auth.claims[a][b]`; None for any other header."""
    if not name.lower().startswith(_CLAIMS):
        return None
    rest = name[len(_CLAIMS) :]
    if rest.startswith(".") and len(rest) > 1:
        return rest[1:].split(".")
    if rest.startswith("[") and rest.endswith("]") and len(rest) > 2:
        return rest[1:-1].split("][")
    return None


def _claim_matcher(path: list[str], value: Json | None) -> Json:
    """Match a claim of the validated token, which may be a string or a list of them."""
    expected = {"string_match": string_matcher(value or {}) or {}}
    return {
        "filter": JWT_FILTER,
        "path": [{"key": key} for key in ["payload", *path]],
        "value": {"or_match": {"value_matchers": [{"list_match": {"one_of": expected}}, expected]}},
    }
