"""The commands that `exec` knows: those with which people ask a proxy or istiod from inside its pod."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from simulator.apiserver.neighbours import Neighbours, UnknownHost
from simulator.apiserver.ports import PodPorts, PodRequest, Refused
from simulator.istiod.pages import Page
from simulator.model.wire import Json

_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]", "0.0.0.0"})
_AGENTS = {"pilot-agent": 15000, "pilot-discovery": 8080}
_CURL_VALUES = frozenset({"-X", "--request", "-H", "--header", "-d", "--data", "-o", "--output", "-w", "--write-out",
                          "-m", "--max-time", "--connect-timeout", "-u", "--user", "-A", "--retry"})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command printed and its exit status."""

    status: int = 0
    out: bytes = b""
    err: bytes = b""


class NotFound(Exception):
    """The container has no such program."""


class Commands:
    """Runs commands in pods."""

    def __init__(self, ports: PodPorts, neighbours: Neighbours | None = None) -> None:
        self._ports = ports
        self._neighbours = neighbours

    async def run(self, pod: Json, command: Sequence[str]) -> Outcome:
        """Run a command. Raises NotFound for a program that is not simulated."""
        name, arguments = command[0].rpartition("/")[2], list(command[1:])
        match name:
            case "sh" | "bash" if len(arguments) >= 2 and arguments[0] in ("-c", "-ec"):
                return await self._shell(pod, arguments[1])
            case "pilot-agent" | "pilot-discovery":
                return await self._agent(pod, name, arguments)
            case "curl":
                return await self._curl(pod, arguments)
            case "wget":
                return await self._wget(pod, arguments)
            case "true":
                return Outcome()
            case "false":
                return Outcome(status=1)
            case "echo":
                return Outcome(out=(" ".join(arguments) + "\n").encode())
            case "hostname":
                return Outcome(out=(pod["metadata"]["name"] + "\n").encode())
            case "env" | "printenv":
                return Outcome(out=_environment(pod).encode())
        raise NotFound(command[0])

    async def _shell(self, pod: Json, line: str) -> Outcome:
        try:
            words = shlex.split(line)
        except ValueError as error:
            return Outcome(status=2, err=f"sh: syntax error: {error}\n".encode())
        if not words or any(word in ("|", "||", "&&", ";", ">", "<", "&") for word in words):
            return Outcome(status=127, err=b"sh: only single commands are simulated\n")
        try:
            return await self.run(pod, words)
        except NotFound as missing:
            return Outcome(status=127, err=f"sh: {missing}: command not found\n".encode())

    async def _agent(self, pod: Json, name: str, arguments: list[str]) -> Outcome:
        port = _AGENTS[name]
        if len(arguments) == 1 and arguments[0] == "version":
            return Outcome(out=b"1.30.3-simulated-Clean\n")
        if arguments[:1] != ["request"] or len(arguments) < 3:
            usage = f"Usage:\n  {name} request <method> <path> [<body>]\n"
            return Outcome(status=1, err=f"Error: unknown command\n{usage}".encode())
        path = arguments[2] if arguments[2].startswith("/") else f"/{arguments[2]}"
        try:
            page = await self._request(pod, port, arguments[1], path)
        except Refused:
            failure = (
                f'Error: Get "http://localhost:{port}{path}": dial tcp [::1]:{port}: connect: connection refused\n'
            )
            return Outcome(status=1, err=failure.encode())
        if page.status >= 300:
            return Outcome(
                status=1, err=f"Error: received unsuccessful status code {page.status}: {page.body.decode()}\n".encode()
            )
        return Outcome(out=page.body)

    async def _request(self, pod: Json, port: int, method: str, target: str, body: bytes = b"") -> Page:
        return await self._ports.request(
            PodRequest(pod=pod, port=port, method=method.upper(), target=target, body=body)
        )

    async def _curl(self, pod: Json, arguments: list[str]) -> Outcome:
        flags, values, addresses = _curl_arguments(arguments)
        if not addresses:
            return Outcome(status=2, err=b"curl: (2) no URL specified\n")
        data = values.get("-d") or values.get("--data") or ""
        method = values.get("-X") or values.get("--request") or ("POST" if data or flags & {"--data"} else "GET")
        return await self._fetch(pod, addresses[0], method=method, body=data.encode(), values=values, flags=flags)

    async def _wget(self, pod: Json, arguments: list[str]) -> Outcome:
        addresses = [each for each in arguments if not each.startswith("-")]
        if not addresses:
            return Outcome(status=1, err=b"wget: missing URL\n")
        return await self._fetch(pod, addresses[-1], method="GET", body=b"", values={}, flags=frozenset({"-f"}))

    async def _fetch(
        self, pod: Json, address: str, *, method: str, body: bytes, values: Mapping[str, str], flags: frozenset[str]
    ) -> Outcome:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        host = parts.hostname or ""
        try:
            port = parts.port or 80
        except ValueError:
            return Outcome(status=3, err=b"curl: (3) URL rejected: Port number was not a decimal number\n")
        own = {each.get("ip") for each in (pod.get("status") or {}).get("podIPs") or ()}
        is_own = host in _LOCAL or host == "::1" or host in own
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            if is_own or self._neighbours is None:
                page = await self._request(pod, port, method, target, body)
            else:
                known = any(name in values for name in ("-H", "--header"))
                page = await self._neighbours.ask(pod, parts.geturl(), method=method, body=body, headers=known)
        except UnknownHost:
            return Outcome(status=6, err=f"curl: (6) Could not resolve host: {host}\n".encode())
        except Refused:
            return Outcome(
                status=7, err=f"curl: (7) Failed to connect to {host} port {port}: Connection refused\n".encode()
            )
        if page.status >= 400 and flags & {"-f", "--fail"}:
            return Outcome(status=22, err=f"curl: (22) The requested URL returned error: {page.status}\n".encode())
        out = page.body
        if flags & {"-i", "--include"}:
            out = f"HTTP/1.1 {page.status}\r\ncontent-type: {page.content_type}\r\n\r\n".encode() + out
        if values.get("-o") == "/dev/null" or values.get("--output") == "/dev/null":
            out = b""
        form = values.get("-w") or values.get("--write-out") or ""
        return Outcome(out=out + form.replace("%{http_code}", str(page.status)).replace("\\n", "\n").encode())


def _curl_arguments(arguments: list[str]) -> tuple[frozenset[str], dict[str, str], list[str]]:
    flags: set[str] = set()
    values: dict[str, str] = {}
    addresses: list[str] = []
    words = iter(arguments)
    for word in words:
        if word in _CURL_VALUES:
            values[word] = next(words, "")
        elif word.startswith("--"):
            flags.add(word)
        elif word.startswith("-") and word[:2] in _CURL_VALUES and len(word) > 2:
            values[word[:2]] = word[2:]
        elif word.startswith("-"):
            *plain, last = list(word[1:]) or [""]
            flags.update(f"-{letter}" for letter in plain)
            if f"-{last}" in _CURL_VALUES:
                values[f"-{last}"] = next(words, "")
            else:
                flags.add(f"-{last}")
        else:
            addresses.append(word)
    return frozenset(flags), values, addresses


def _environment(pod: Json) -> str:
    containers = (pod.get("spec") or {}).get("containers") or [{}]
    lines = [f"HOSTNAME={pod['metadata']['name']}"]
    lines += [
        f"{each['name']}={each['value']}"
        for each in containers[0].get("env") or ()
        if "value" in each and "name" in each
    ]
    return "".join(f"{line}\n" for line in lines)
