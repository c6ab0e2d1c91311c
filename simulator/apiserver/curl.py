"""`curl` in a pod: a simulated program or the predictor answers, and the output and exit code are those of curl 8.5.

curl: docs/libcurl/libcurl-errors (exit codes and their words).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import SplitResult, urlsplit

from simulator.apiserver.calls import Calls, of_page
from simulator.apiserver.curl_options import AGENT, CurlCommand, UnknownOption, curl_command
from simulator.apiserver.curl_output import Exchange, location_of, printed_by, told_by, written_out
from simulator.apiserver.neighbours import Neighbours
from simulator.apiserver.outcomes import Outcome
from simulator.apiserver.ports import PodPorts, PodRequest, Refused
from simulator.model.addresses import is_address
from simulator.model.requests import USUAL_PORTS, Request, Tls, Wire
from simulator.model.traces import StepKind, Trace
from simulator.model.wire import Json
from simulator.traffic.answers import Broken, ended_tls, seconds_of_faults, speaks_http2

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})
_REDIRECTS = 50
_UNTRUSTED = "SSL certificate problem: unable to get local issuer certificate"


class Curl:
    """Runs curl in pods."""

    def __init__(self, ports: PodPorts, neighbours: Neighbours, calls: Calls) -> None:
        self._ports = ports
        self._neighbours = neighbours
        self._calls = calls

    async def run(self, pod: Json, container: str, arguments: Sequence[str]) -> Outcome:
        """Run a command line."""
        try:
            command = curl_command(arguments)
        except UnknownOption as unknown:
            more = "curl: try 'curl --help' or 'curl --manual' for more information\n"
            return Outcome(status=2, err=f"{unknown}\n{more}".encode())
        if command.has("version"):
            return Outcome(out=f"{AGENT.replace('/', ' ')} (simulated)\nProtocols: http https\n".encode())
        if not command.addresses:
            return Outcome(status=2, err=b"curl: (2) no URL specified\n")
        outcomes = [await self._transfer(pod, container, command, each) for each in command.addresses]
        return Outcome(
            status=outcomes[-1].status,
            out=b"".join(each.out for each in outcomes),
            err=b"".join(each.err for each in outcomes),
        )

    async def _transfer(self, pod: Json, container: str, command: CurlCommand, address: str) -> Outcome:
        printed, said, redirects = b"", "", 0
        while True:
            exchange = await self.exchange(pod, container, command, address)
            exchange.redirects = redirects
            printed += printed_by(exchange, command)
            said += told_by(exchange) if command.has("verbose") else ""
            location = location_of(exchange)
            if not (location and command.has("location", "location-trusted")):
                break
            redirects += 1
            if redirects > _REDIRECTS:
                exchange.failure = (47, f"Maximum ({_REDIRECTS}) redirects followed")
                break
            address = location
        code, words = exchange.failure or (0, "")
        if code and (not command.has("silent") or command.has("show-error")):
            said += f"curl: ({code}) {words}\n"
        printed += written_out(exchange, command).encode()
        return Outcome(status=code, out=printed, err=said.encode())

    async def exchange(self, pod: Json, container: str, command: CurlCommand, address: str) -> Exchange:
        """Make one request."""
        try:
            request, url = _request(command, address)
        except ValueError as error:
            return Exchange(request=Request(), url=address, failure=(3, f"URL rejected: {error}"), connected=False)
        exchange = Exchange(request=request, url=url)
        if request.scheme not in USUAL_PORTS:
            words = f'Protocol "{request.scheme}" not supported or disabled in libcurl'
            return replace(exchange, failure=(1, words), connected=False)
        if not await self._simulated(pod, exchange, command.body.encode()):
            await self._predicted(pod, container, exchange, command)
        if exchange.failure is None and exchange.status >= 400 and command.has("fail", "fail-with-body"):
            exchange.failure = (22, f"The requested URL returned error: {exchange.status}")
        return exchange

    async def _simulated(self, pod: Json, exchange: Exchange, body: bytes) -> bool:
        """Ask a simulated program, of the pod itself or of another; return False where the request goes elsewhere."""
        request = exchange.request
        own = {each.get("ip") for each in (pod.get("status") or {}).get("podIPs") or ()}
        try:
            if request.host in _LOCAL or request.host in own:
                exchange.address = request.host if is_address(request.host) else "127.0.0.1"
                page = await self._ports.request(
                    PodRequest(pod=pod, port=request.port, method=request.method, target=request.target, body=body,
                               headers=request.headers)
                )  # fmt: skip
            else:
                found = await self._neighbours.ask(pod, request, body=body)
                if found is None:
                    return False
                exchange.address, page = found
        except Refused:
            exchange.connected, exchange.failure = False, _refused(request)
            return True
        exchange.response = of_page(page)
        return True

    async def _predicted(self, pod: Json, container: str, exchange: Exchange, command: CurlCommand) -> None:
        """Set the response, or the failure, that the predictor gives."""
        request = exchange.request
        ended = await self._calls.make(pod, request, container=container, resolve=_resolutions(command))
        exchange.address = _dialled(ended.trace)
        if await self._waits_too_long(exchange, command, seconds_of_faults(ended.trace)):
            return
        if isinstance(ended.answer, Broken):
            exchange.connected = ended.answer not in (Broken.NO_NAME, Broken.REFUSED)
            exchange.failure = _failure(ended.answer, ended.trace)
            return
        trusts = command.has("insecure", "cacert", "capath")
        if ended_tls(ended.trace) is not None and not trusts:
            exchange.failure = (60, _UNTRUSTED)
            return
        if speaks_http2(ended.trace) and not command.has("http1.1", "http1.0"):
            exchange.version = "HTTP/2"
        exchange.response = ended.answer

    async def _waits_too_long(self, exchange: Exchange, command: CurlCommand, seconds: float) -> bool:
        """Wait as long as injected faults delay the request, or as long as curl would."""
        most = _number(command.value("max-time"))
        exchange.seconds = min(seconds, most) if most else seconds
        await asyncio.sleep(exchange.seconds)
        if not most or seconds < most:
            return False
        milliseconds = int(most * 1000)
        exchange.failure = (28, f"Operation timed out after {milliseconds} milliseconds with 0 bytes received")
        return True


def _request(command: CurlCommand, address: str) -> tuple[Request, str]:
    """Return the request for an address, and its full URL. Raises ValueError with curl's message."""
    if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in address):
        raise ValueError("Malformed input to a URL function")
    url = address if "://" in address else f"http://{address}"
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").strip("[]")
    if not host:
        raise ValueError("No host part in the URL")
    encrypted = scheme == "https"
    wire = Wire.HTTP10 if command.has("http1.0") else Wire.HTTP1
    if command.has("http2-prior-knowledge"):
        wire = Wire.HTTP2
    tls = (Tls.MUTUAL if command.has("cert") else Tls.SIMPLE) if encrypted else Tls.NONE
    request = Request(
        host=host, port=_port(parts), scheme=scheme, method=command.method, target=_target(parts, command),
        authority=command.host(), headers=command.fields(), wire=wire, tls=tls,
        sni=host if encrypted and not is_address(host) else "", alpn=("h2", "http/1.1") if encrypted else (),
    )  # fmt: skip
    return request, url if parts.path else f"{url}/"


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or USUAL_PORTS.get(parts.scheme.lower(), 80)
    except ValueError:
        raise ValueError("Port number was not a decimal number between 0 and 65535") from None


def _target(parts: SplitResult, command: CurlCommand) -> str:
    if command.has("request-target"):
        return command.value("request-target")
    query = "&".join(part for part in (parts.query, command.body if command.has("get") else "") if part)
    return (parts.path or "/") + (f"?{query}" if query else "")


def _resolutions(command: CurlCommand) -> dict[str, str]:
    """Read `--resolve HOST:PORT:ADDRESS` and `--connect-to ::HOST:PORT` with an address."""
    found: dict[str, str] = {}
    for value in command.values("resolve"):
        host, _, rest = value.lstrip("+").partition(":")
        found[host.lower()] = rest.partition(":")[2].split(",")[0].strip("[]")
    return found


def _number(text: str) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def _dialled(trace: Trace) -> str:
    step = next((step for step in trace.steps if step.kind is StepKind.NAME_RESOLUTION), None)
    address = trace.hops[0].steps[0].chosen if step is None and trace.hops else step.chosen if step else ""
    first = address.partition(",")[0]
    return first if is_address(first) else ""


def _refused(request: Request) -> tuple[int, str]:
    return 7, f"Failed to connect to {request.host} port {request.port} after 0 ms: Couldn't connect to server"


def _failure(broken: Broken, trace: Trace) -> tuple[int, str]:
    request = trace.request
    encrypted, where = request.tls is not Tls.NONE, f"{request.host}:{request.port}"
    match broken:
        case Broken.NO_NAME:
            return 6, f"Could not resolve host: {request.host}"
        case Broken.REFUSED:
            return _refused(request)
        case Broken.NO_TLS:
            return 35, "OpenSSL/3.0.13: error:0A00010B:SSL routines::wrong version number"
        case Broken.RESET if encrypted:
            return 35, f"OpenSSL SSL_connect: Connection reset by peer in connection to {where} "
        case Broken.RESET:
            return 56, "Recv failure: Connection reset by peer"
        case Broken.CLOSED if encrypted:
            return 35, f"OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to {where} "
        case Broken.CLOSED:
            return 52, "Empty reply from server"
    why = "; ".join(trace.notes) or trace.verdict.details or trace.disposition.meaning
    return 56, f"what becomes of this request is not simulated: {why}; ask `kubectl mesh trace`"
