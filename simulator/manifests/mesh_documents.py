"""MeshConfig and MeshNetworks as ConfigMaps hold them: YAML that istiod reads by their protobuf types, or not at all.

istiod: pkg/config/mesh/mesh.go (ApplyMeshConfig, ParseMeshNetworks), pkg/config/mesh/meshwatcher/collection.go: one
field that is unknown or of a wrong type, and istiod goes on with its defaults. golang/protobuf: jsonpb/decode.go: names
in either spelling, numbers also in quotes, durations as Go writes them.

`mesh_config.json` has the types (istio.io/api 1.30): `p` are fields, `a` items of a list, `m` values of a map with any
keys, `t` a type (s text, i, n, b, d duration, o anything), `e` allowed values.
"""

import re
from functools import cache
from typing import Any, Literal

from simulator.model.wire import Json

Kind = Literal["mesh", "networks"]
_NAMES = {"s": "a string", "i": "a whole number", "n": "a number", "b": "true or false", "d": "a duration such as 1.5s"}
_TYPES: dict[str, tuple[type, ...]] = {"s": (str,), "i": (int,), "n": (int, float), "b": (bool,), "d": (str,)}
_DURATION = re.compile(r"[-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)")


class _Refused(Exception):
    """istiod cannot read the document."""


def read_mesh_document(text: str, *, kind: Kind = "mesh") -> tuple[Json, str]:
    """Return (fields by their JSON names, error); no fields where istiod would reject the document."""
    from simulator.manifests.composer import ComposeError, compose

    try:
        value = next((composed.value for composed in compose(text)), None)
        return (_message(value, _schemas()[kind], "") if value is not None else {}), ""
    except ComposeError as error:
        return {}, f"line {error.line + 1}: {error.message}"
    except _Refused as error:
        return {}, str(error)


@cache
def _schemas() -> dict[str, Json]:
    import json
    from pkgutil import get_data

    found: dict[str, Json] = json.loads(get_data(__name__, "mesh_config.json") or b"{}")
    return found


def _read(value: Any, schema: Json, path: str) -> Any:
    if "p" in schema:
        return _message(value, schema, path)
    if "a" in schema:
        if type(value) is not list:
            raise _Refused(f"{path} must be a list, not {_shown(value)}")
        return [_read(item, schema["a"], f"{path}[{number}]") for number, item in enumerate(value)]
    if "m" in schema:
        if type(value) is not dict:
            raise _Refused(f"{path} must be a mapping, not {_shown(value)}")
        return {key: _read(item, schema["m"], f"{path}.{key}") for key, item in value.items()}
    return _scalar(value, schema, path)


def _message(value: Any, schema: Json, path: str) -> Json:
    if type(value) is not dict:
        raise _Refused(f"{path or 'it'} must be a mapping, not {_shown(value)}")
    fields, found = schema["p"], {}
    for key, item in value.items():
        name = key if key in fields else _camel_case(key)
        inner = fields.get(name)
        place = f"{path}.{key}".lstrip(".")
        if inner is None:
            raise _Refused(f"{place} is not a field{_advice(name, fields)}")
        if item is not None:
            found[name] = _read(item, inner, place)
    return found


def _scalar(value: Any, schema: Json, path: str) -> Any:
    kind: str = schema["t"]
    match kind:
        case "o":
            return value
        case "i" | "n" if type(value) is str and re.fullmatch(r"-?\d+", value, re.ASCII):
            return int(value)
        case "i" if type(value) is float and value.is_integer():
            return int(value)
        case "s" if "e" in schema:
            return _choice(value, schema["e"], path)
    if not isinstance(value, _TYPES[kind]) or (type(value) is bool and kind != "b"):
        advice = f'; quote it: "{_shown(value)}"' if kind == "s" and isinstance(value, (bool, int, float)) else ""
        raise _Refused(f"{path} must be {_NAMES[kind]}, not {_shown(value)}{advice}")
    if kind == "d" and not _DURATION.fullmatch(str(value)):
        raise _Refused(f"{path} must be {_NAMES[kind]}, not {_shown(value)}")
    return value


def _choice(value: Any, allowed: list[str], path: str) -> str | int:
    """Read a value of an enumeration, which may be given by its number."""
    if type(value) is int or value in allowed:
        return value  # type: ignore[no-any-return]
    folded = {each.lower(): each for each in allowed}
    raise _Refused(f"{path}: {_shown(value)} is not one of {', '.join(allowed)}{_advice(str(value).lower(), folded)}")


def _camel_case(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


def _advice(name: str, known: Json) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    return f"; did you mean {known[close[0]] if isinstance(known[close[0]], str) else close[0]}?" if close else ""


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
