"""Inline key sets of RequestAuthentications. istio: validateJwtRule and warnPrivateJwksKeys in
pkg/config/validation/validation.go; the texts are those of the library that it uses, lestrrat-go/jwx.
"""

from typing import Any

from simulator.model.wire import Json
from simulator.validation.go_errors import first_json
from simulator.validation.problems import Problems, error, warning

_REQUIRED = {"RSA": ("e", "n"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "oct": ("k",)}
_NAMES = {"RSA": "rsa", "EC": "ecdsa", "OKP": "okp"}


def keys(text: str) -> Problems:
    """Check a set of keys, or the one key that stands for a set."""
    value, problem = first_json(text)
    found: list[Json] = []
    if not problem:
        problem = _shape_problem(value)
    if not problem:
        problem, found = _keys_of(value)
    if problem:
        yield error(f"jwks parse error: failed to unmarshal JWK set: {problem}")
        return
    for number, key in enumerate(found):
        if key.get("d") is not None or key["kty"] == "oct":
            secret = "contains private key material; only public keys are used for verification"
            yield warning(f"jwks key at index {number} {secret}")


def _shape_problem(value: Any) -> str:
    if isinstance(value, list):
        return "expected '{', but got '['"
    return "" if isinstance(value, dict) else "error reading token: EOF"


def _keys_of(value: Json) -> tuple[str, list[Json]]:
    if "keys" not in value:
        problem = _key_problem(value)
        return (f"failed to parse sole key in key set: {problem}", []) if problem else ("", [value])
    given = value["keys"]
    if given is not None and not isinstance(given, list):
        kind = _go_kind(given)
        return f'failed to decode "keys": json: cannot unmarshal {kind} into Go value of type []json.RawMessage', []
    for number, key in enumerate(given or ()):
        if problem := _key_problem(key):
            return f'failed to decode key #{number} in "keys": {problem}', []
    return "", list(given or ())


def _key_problem(key: Any) -> str:
    if key is None:
        return "invalid key type from JSON ()"
    if not isinstance(key, dict):
        return f"failed to unmarshal JSON into key hint: json: cannot unmarshal {_go_kind(key)} into Go value"
    kind = key.get("kty") or ""
    if not isinstance(kind, str):
        return (
            "failed to unmarshal JSON into key hint: "
            f"json: cannot unmarshal {_go_kind(kind)} into Go struct field .kty of type string"
        )
    if kind not in _REQUIRED:
        return f"invalid key type from JSON ({kind})"
    private = key.get("d") is not None and kind != "oct"
    for field in sorted((*_REQUIRED[kind], "d")) if private else _REQUIRED[kind]:
        if key.get(field) is None:
            return f"failed to unmarshal JSON into key ({_type(kind, private)}): required field {field} is missing"
    return ""


def _type(kind: str, private: bool) -> str:
    if kind == "oct":
        return "*jwk.symmetricKey"
    return f"*jwk.{_NAMES[kind]}{'Private' if private else 'Public'}Key"


def _go_kind(value: Any) -> str:
    """Return encoding/json's word for a kind of value."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, dict) else "number"
