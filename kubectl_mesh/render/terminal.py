"""Text that is safe to send to a terminal: names of objects come from others and may carry control sequences."""

_VISIBLE = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))}
_VISIBLE |= {ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_VISIBLE |= {code: f"\\u{code:04x}" for code in (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_SURROGATES = {code: "\ufffd" for code in range(0xD800, 0xE000)}
_TABLE = _VISIBLE | _SURROGATES


def printable(text: str) -> str:
    """Return `text` with control characters, line breaks and direction overrides written as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_TABLE)
