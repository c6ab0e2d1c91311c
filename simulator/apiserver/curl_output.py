"""What curl prints of a request and its response.

curl: src/tool_writeout.c (`--write-out`), lib/http.c (`--verbose`).
"""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urljoin

from simulator.apiserver.curl_options import CurlCommand
from simulator.model.requests import Request
from simulator.traffic.answers import Response

_OLD_PHRASES = {413: "Payload Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 418: "Unknown",
                422: "Unprocessable Entity"}  # fmt: skip
"""Envoy's reason phrases, where they differ from Python's."""


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request and its response; `failure` is curl's exit code and message."""

    request: Request
    url: str
    address: str = ""
    response: Response | None = None
    failure: tuple[int, str] | None = None
    connected: bool = True
    version: str = "HTTP/1.1"
    seconds: float = 0.0
    redirects: int = 0

    @property
    def status(self) -> int:
        """The status of the response; 0 without one."""
        return self.response.status if self.response is not None else 0


def location_of(exchange: Exchange) -> str:
    """Return where a response redirects to; empty when it does not."""
    if exchange.response is None or not 300 <= exchange.status < 400:
        return ""
    location = next((value for name, value in exchange.response.fields if name == "location"), "")
    return urljoin(exchange.url, location) if location else ""


def _head(exchange: Exchange) -> list[str]:
    assert exchange.response is not None
    status = exchange.status
    known = status in HTTPStatus._value2member_map_
    phrase = _OLD_PHRASES.get(status) or (HTTPStatus(status).phrase if known else "Unknown")
    first = f"{exchange.version} {status} {'' if exchange.version == 'HTTP/2' else phrase}"
    return [first, *(f"{name}: {value}" for name, value in exchange.response.fields), ""]


def printed_by(exchange: Exchange, command: CurlCommand) -> bytes:
    """Return what goes to stdout: the head where it is asked for, and the body where it is not sent elsewhere."""
    if exchange.response is None:
        return b""
    head = "".join(f"{line}\r\n" for line in _head(exchange)).encode()
    dumped = head if command.value("dump-header") == "-" else b""
    is_silent = exchange.failure is not None and not command.has("fail-with-body")
    if is_silent or command.has("remote-name") or command.value("output") not in ("", "-"):
        return dumped
    is_followed = bool(location_of(exchange)) and command.has("location", "location-trusted")
    body = b"" if exchange.request.method == "HEAD" or is_followed else exchange.response.body
    return dumped + (head if command.has("include", "head") else b"") + body


def told_by(exchange: Exchange) -> str:
    """Return what `--verbose` prints on stderr."""
    request = exchange.request
    address = f"[{exchange.address}]" if ":" in exchange.address else exchange.address or "public address"
    lines: list[str] = []
    if exchange.failure is not None and exchange.failure[0] in (1, 3, 6):
        return "".join(f"{line}\n" for line in (f"* {exchange.failure[1]}", "* Closing connection"))
    lines.append(f"*   Trying {address}:{request.port}...")
    if not exchange.connected:
        lines.append(f"* connect to {exchange.address} port {request.port} failed: Connection refused")
        lines += [f"* {exchange.failure[1]}" if exchange.failure else "", "* Closing connection"]
        return "".join(f"{line}\n" for line in lines)
    lines.append(f"* Connected to {request.host} ({exchange.address}) port {request.port}")
    if exchange.failure is None or exchange.failure[0] not in (35, 60):
        host = request.host_header
        sent = [f"{request.method} {request.target} HTTP/1.1", f"Host: {host}"]
        lines += [f"> {line}" for line in (*sent, *(f"{name}: {value}" for name, value in request.headers), "")]
    if exchange.response is not None:
        lines += [f"< {line}" for line in _head(exchange)]
        if exchange.response.body and request.method != "HEAD":
            lines.append(f"{{ [{len(exchange.response.body)} bytes data]")
        lines.append(f"* Connection #0 to host {request.host} left intact")
    else:
        lines += [f"* {exchange.failure[1]}" if exchange.failure else "", "* Closing connection"]
    return "".join(f"{line}\n" for line in lines)


def written_out(exchange: Exchange, command: CurlCommand) -> str:
    """Expand `--write-out`."""
    form = command.value("write-out")
    if not form:
        return ""
    response = exchange.response
    fields = dict(response.fields) if response is not None else {}
    code = f"{exchange.status:03d}"
    seconds = f"{exchange.seconds:.6f}"
    has_body = response is not None and exchange.request.method != "HEAD"
    values = {
        "http_code": code, "response_code": code, "content_type": fields.get("content-type", ""),
        "size_download": str(len(response.body) if response is not None and has_body else 0),
        "time_total": seconds, "time_starttransfer": seconds, "time_connect": "0.000000",
        "time_namelookup": "0.000000", "time_appconnect": "0.000000", "time_pretransfer": "0.000000",
        "url_effective": exchange.url, "url": exchange.url, "remote_ip": exchange.address,
        "remote_port": str(exchange.request.port), "num_redirects": str(exchange.redirects),
        "redirect_url": location_of(exchange), "method": exchange.request.method,
        "scheme": exchange.request.scheme, "http_version": exchange.version.partition("/")[2],
        "exitcode": str((exchange.failure or (0, ""))[0]), "errormsg": (exchange.failure or (0, ""))[1],
        "num_connects": "1", "header_json": "", "onerror": "", "stderr": "", "stdout": "",
    }  # fmt: skip
    for name, value in values.items():
        form = form.replace(f"%{{{name}}}", value)
    return form.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("%%", "%")
