"""URI templates: `/users/{id}/**` and the like, in routes and in RBAC.

Envoy: source/extensions/path/uri_template_lib/uri_template_internal.cc. A star takes one segment, two stars take the
rest, slashes included; a variable stands for its pattern, one segment by default.
"""

import re

from simulator.envoy.strings import full_match, replace_all

_LITERAL = r"a-zA-Z0-9\-._~%!$&'()+,;:@=*"
_ONE = f"[{_LITERAL}]+"
_REST = f"[{_LITERAL}/]*"
_VARIABLE = re.compile(r"\{([A-Za-z0-9_]*)(?:=([^}]*))?\}")


def _glob(pattern: str) -> str:
    parts = re.split(r"(\*\*|\*)", pattern)
    return "".join({"*": _ONE, "**": _REST}.get(part, re.escape(part).replace(r"\/", "/")) for part in parts)


def to_regex(template: str) -> str:
    """Return the RE2 pattern that a template stands for; each variable is a group."""
    out: list[str] = []
    position = 0
    for match in _VARIABLE.finditer(template):
        inner = match[2] if match[2] is not None else ("*" if match[1] else "")
        out.append(_glob(template[position : match.start()]))
        out.append(f"(?P<{match[1]}>{_glob(inner)})" if match[1] else f"({_glob(inner)})")
        position = match.end()
    return "".join(out) + _glob(template[position:])


def matches_template(template: str, path: str) -> bool:
    """Tell whether a path, without query, is what a template describes."""
    braced = template.replace("{**}", "**").replace("{*}", "*")
    return full_match(to_regex(braced), path)


def rewrite_template(template: str, path: str, rewrite: str) -> str:
    """Put the variables that `template` found in `path` into `rewrite`."""
    names = [match[1] for match in _VARIABLE.finditer(template) if match[1]]
    substitution = rewrite
    for position, name in enumerate(names, start=1):
        substitution = substitution.replace(f"{{{name}}}", f"\\{position}")
    return replace_all(f"^{to_regex(template)}$", path, substitution)
