"""Paths: what the connection manager does to them before anything matches.

Envoy: source/common/http/path_utility.cc (with the URL canonicalisation it uses), and the options `normalize_path`,
`merge_slashes` and `path_with_escaped_slashes_action` of the HTTP connection manager.
"""

import re
from string import ascii_letters, digits

_UNRESERVED = frozenset(ascii_letters + digits + "-_~.")
_ESCAPED = frozenset(' "#<>?\\^`{|}\x7f') | {chr(code) for code in range(32)}
_DOT = re.compile(r"%2e", re.IGNORECASE)
_DOTS_WITH_PARAMETERS = re.compile(r"(/\.\.?);[^/]*")
_ESCAPED_SLASH = re.compile(r"%2f|%5c", re.IGNORECASE)
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")


def split_query(path: str) -> tuple[str, str]:
    """Divide a path from its query, which keeps its question mark."""
    bare, mark, query = path.partition("?")
    return bare, mark + query


def normalize(path: str) -> str | None:
    """Resolve dot segments, straighten backslashes, decode unreserved characters; None when it is not allowed."""
    bare, query = split_query(path)
    # servlet containers drop what follows a semicolon, so a dot segment must not hide behind one
    bare = _DOTS_WITH_PARAMETERS.sub(r"\1", bare)
    segments: list[str] = []
    parts = re.split(r"[/\\]", bare)
    for position, part in enumerate(parts[1:], start=1):
        last = position == len(parts) - 1
        plain = _DOT.sub(".", part)
        if plain not in (".", ".."):
            segments.append(part)
            continue
        if plain == ".." and segments:
            segments.pop()
        if last:
            segments.append("")
    out: list[str] = []
    for segment in segments:
        canonical = _canonical_segment(segment)
        if canonical is None:
            return None
        out.append(canonical)
    return "/" + "/".join(out) + query


def _canonical_segment(segment: str) -> str | None:
    out: list[str] = []
    position = 0
    while position < len(segment):
        character = segment[position]
        match = _PERCENT.match(segment, position)
        if match is not None:
            decoded = chr(int(match[1], 16))
            if decoded == "\0":
                return None
            out.append(decoded if decoded in _UNRESERVED else match[0])
            position = match.end()
            continue
        if character in _ESCAPED or ord(character) > 127:
            out.extend(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
        else:
            out.append(character)
        position += 1
    return "".join(out)


def merge_slashes(path: str) -> str:
    """Merge adjacent slashes; a path of nothing but slashes keeps its first and its last."""
    bare, query = split_query(path)
    if "//" not in bare:
        return path
    start = "/" if bare.startswith("/") else ""
    end = "/" if bare.endswith("/") else ""
    return start + "/".join(part for part in bare.split("/") if part) + end + query


def unescape_slashes(path: str) -> str:
    """Decode escaped slashes and backslashes of the path; its query stays as it is."""
    bare, query = split_query(path)
    return _ESCAPED_SLASH.sub(lambda match: "/" if match[0].lower() == "%2f" else "\\", bare) + query
