"""A parser of the Common Expression Language (CEL), for rules of CRDs and filters of access logs.

Grammar: github.com/google/cel-spec, doc/langdef.md. It reads what the API server's rules and istiod's filters use, but
no messages built by name. Texts of syntax errors are those of cel-go, whose parser is ANTLR's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*)
  | (?P<raw>[rR](?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n]*"|'[^'\n]*'))
  | (?P<text>[bB]?(?:\"\"\".*?\"\"\"|'''.*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
  | (?P<number>0x[0-9a-fA-F]+u?|(?:\d+\.\d+|\d+(?=[eE])|\.\d+)(?:[eE][+-]?\d+)?|\d+[uU]?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<sign>&&|\|\||<=|>=|==|!=|[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_OPERAND = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)
_LEVELS: Sequence[frozenset[str]] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"<", "<=", ">", ">=", "==", "!=", "in"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
_WORDS = {"true": True, "false": False, "null": None}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_STARTS = frozenset({"[", "{", "(", ".", "-", "!"})
_END = "<EOF>"


class CelSyntaxError(Exception):
    """What is wrong with an expression, as cel-go prints it."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression. `kind` is literal, name, field, index, call, list, map, operator or choice."""

    kind: str
    value: Any = None
    parts: tuple["Node", ...] = ()
    target: "Node | None" = None


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


def parse(expression: str) -> Node:
    """Parse an expression, or raise CelSyntaxError."""
    return _Parser(expression).whole()


class _Parser:
    def __init__(self, expression: str) -> None:
        self._text = expression
        self._tokens = list(self._tokenized())
        self._at = 0

    def whole(self) -> Node:
        node = self._choice()
        if self._next.text != _END:
            more = len(self._tokens) - self._at > 2  # ANTLR skips one token where the expected one follows it
            raise self._error(f"{'mismatched' if more else 'extraneous'} input '{self._next.text}' expecting {_END}")
        return node

    def _tokenized(self) -> list[_Token]:
        found, position = [], 0
        while position < len(self._text):
            match = _TOKEN.match(self._text, position)
            if match is None:
                raise self._error(f"token recognition error at: '{self._text[position]}'", position)
            if match.lastgroup != "space":
                found.append(_Token(str(match.lastgroup), match[0], position))
            position = match.end()
        return [*found, _Token("end", _END, position)]

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        self._at += 1
        return token

    def _accept(self, text: str) -> bool:
        taken = self._next.text == text and self._next.kind != "text"
        self._at += taken
        return taken

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._error(f"missing '{text}' at '{self._next.text}'")

    def _error(self, what: str, position: int | None = None) -> CelSyntaxError:
        start = self._next.start if position is None else position
        before = self._text[:start]
        column = len(before) - before.rfind("\n") - 1
        where = f"{before.count(chr(10)) + 1}:{column + 1 if self._text else 0}"
        text = f"ERROR: <input>:{where}: Syntax error: {what}"
        if self._text:
            line = self._text.split("\n")[before.count("\n")]
            text += f"\n | {line}\n | {'.' * column}^"
        return CelSyntaxError(text)

    def _choice(self) -> Node:
        condition = self._level(0)
        if not self._accept("?"):
            return condition
        yes = self._level(0)
        self._expect(":")
        return Node("choice", None, (condition, yes, self._choice()))

    def _level(self, number: int) -> Node:
        if number == len(_LEVELS):
            return self._unary()
        node = self._level(number + 1)
        while self._next.kind in ("sign", "name") and self._next.text in _LEVELS[number]:
            operator = self._take().text
            node = Node("operator", operator, (node, self._level(number + 1)))
        return node

    def _unary(self) -> Node:
        for sign in ("!", "-"):
            if self._accept(sign):
                return Node("operator", sign, (self._unary(),))
        return self._member(self._primary())

    def _member(self, node: Node) -> Node:
        while True:
            if self._accept("."):
                if self._next.kind != "name":
                    raise self._error(f"no viable alternative at input '.{self._next.text.replace(_END, '')}'")
                name = self._take().text
                if self._accept("("):
                    node = Node("call", name, self._items(")"), node)
                else:
                    node = Node("field", name.removeprefix("__").removesuffix("__"), (), node)
            elif self._accept("["):
                node = Node("index", None, (self._choice(),), node)
                self._expect("]")
            else:
                return node

    def _primary(self) -> Node:
        token = self._next
        if token.kind in ("text", "raw", "number"):
            return Node("literal", _literal(self._take()))
        self._accept(".")
        if self._next.kind == "name" and self._next.text != "in":
            return self._named()
        if self._accept("("):
            node = self._choice()
            self._expect(")")
            return node
        if self._accept("["):
            return Node("list", None, self._items("]"))
        if self._accept("{"):
            return self._map()
        after = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        starts = after.kind in ("name", "number", "text", "raw") or after.text in _STARTS
        raise self._error(f"{'extraneous' if starts else 'mismatched'} input '{token.text}' expecting {_OPERAND}")

    def _named(self) -> Node:
        name = self._take().text
        if name in _WORDS:
            return Node("literal", _WORDS[name])
        if self._accept("("):
            return Node("call", name, self._items(")"))
        return Node("name", name)

    def _items(self, end: str) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._accept(end):
            if items:
                if not self._accept(","):
                    self._expect(end)
                    break
                if self._accept(end):
                    break
            items.append(self._choice())
        return tuple(items)

    def _map(self) -> Node:
        parts: list[Node] = []
        while not self._accept("}"):
            if parts:
                self._expect(",")
            parts.append(self._choice())
            self._expect(":")
            parts.append(self._choice())
        return Node("map", None, tuple(parts))


def _literal(token: _Token) -> Any:
    text = token.text
    if token.kind == "number":
        digits = text.rstrip("uU")
        return int(digits, 0) if re.fullmatch(r"0x[0-9a-fA-F]+|\d+", digits) else float(digits)
    body = text.lstrip("rRbB")
    quotes = 3 if body[:3] in ('"""', "'''") and len(body) > 5 else 1
    body = body[quotes:-quotes]
    return body if token.kind == "raw" else re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), body)
