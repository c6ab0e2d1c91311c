"""The commands that `exec` runs: those with which people query a proxy or istiod from inside its pod."""

import shlex
from collections.abc import Sequence

from simulator.apiserver.curl import Curl
from simulator.apiserver.outcomes import Outcome
from simulator.apiserver.ports import PodPorts, PodRequest, Refused
from simulator.apiserver.wget import curl_arguments, wget_outcome
from simulator.istiod.pages import Page
from simulator.model.wire import Json

_AGENTS = {"pilot-agent": 15000, "pilot-discovery": 8080}
WHAT_RUNS = "in a simulated mesh only curl, wget, pilot-agent, pilot-discovery, env, hostname, echo and sh -c run"


class NotFound(Exception):
    """The container has no such program."""


class Commands:
    """Runs commands in pods."""

    def __init__(self, ports: PodPorts, curl: Curl) -> None:
        self._ports = ports
        self._curl = curl

    async def run(self, pod: Json, container: str, command: Sequence[str]) -> Outcome:
        """Run a command. Raises NotFound for a program that is not simulated."""
        name, arguments = command[0].rpartition("/")[2], list(command[1:])
        match name:
            case "sh" | "bash" if len(arguments) >= 2 and arguments[0] in ("-c", "-ec"):
                return await self._shell(pod, container, arguments[1])
            case "pilot-agent" | "pilot-discovery":
                return await self._agent(pod, name, arguments)
            case "curl":
                return await self._curl.run(pod, container, arguments)
            case "wget":
                return wget_outcome(await self._curl.run(pod, container, curl_arguments(arguments)))
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

    async def _shell(self, pod: Json, container: str, line: str) -> Outcome:
        """Run commands that follow each other after `;`, `&&` and `||`."""
        try:
            lexer = shlex.shlex(line.replace("\n", ";"), posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words = [*lexer, ";"]
        except ValueError as error:
            return Outcome(status=2, err=f"sh: syntax error: {error}\n".encode())
        done, command, after = Outcome(), list[str](), ";"
        for word in words:
            if not word or not set(word) <= set("();<>|&"):
                command.append(word)
                continue
            if word not in (";", "&&", "||"):
                return Outcome(status=127, err=f"sh: {word} is not simulated, only ;, && and ||\n".encode())
            if command and (after == ";" or (after == "&&") == (done.status == 0)):
                found = await self._simple(pod, container, command)
                done = Outcome(status=found.status, out=done.out + found.out, err=done.err + found.err)
            command, after = [], word
        return done

    async def _simple(self, pod: Json, container: str, words: Sequence[str]) -> Outcome:
        try:
            return await self.run(pod, container, words)
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


def _environment(pod: Json) -> str:
    containers = (pod.get("spec") or {}).get("containers") or [{}]
    lines = [f"HOSTNAME={pod['metadata']['name']}"]
    lines += [
        f"{each['name']}={each['value']}"
        for each in containers[0].get("env") or ()
        if "value" in each and "name" in each
    ]
    return "".join(f"{line}\n" for line in lines)
