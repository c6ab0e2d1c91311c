"""Reads test files of other tools into suites, and detects which tool a file is for."""

from collections.abc import Sequence
from dataclasses import dataclass

from kubectl_mesh.meshtest import icv, router_check
from kubectl_mesh.meshtest.decoding import read_suites, roots
from kubectl_mesh.meshtest.model import Given, Suite
from kubectl_mesh.meshtest.nodes import Node

ICV = "istio-config-validator"
ROUTER_CHECK = "router_check_tool"
CLIENT = "stand-ins/deploy/client"
"""The default sender for files that name none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """The importer of test files, with what files of other tools leave out."""

    sender: str = CLIENT
    form: str = ""
    """`istio-config-validator` or `router_check_tool`; empty to detect it."""

    def read(self, text: str, *, source: str) -> tuple[Suite, ...]:
        """Read a file of any format; raises InputError, which names file and line."""
        documents = list(roots(text, source=source))
        form = self.form or form_of(documents)
        if not form:
            return read_suites(text, source=source)
        read = icv.cases if form == ICV else router_check.cases
        found = tuple(case for document in documents for case in read(document, self.sender))
        return (Suite(name=source, source=source, given=Given(stand_ins=True), cases=found),)


def form_of(documents: Sequence[Node]) -> str:
    """Return the tool of a file, detected by its first keys; empty for our own format."""
    for document in documents:
        if isinstance(document.value, list) and any("input" in one for one in document.value if isinstance(one, dict)):
            return ROUTER_CHECK
        if isinstance(document.value, dict) and "apiVersion" not in document.value:
            if "testCases" in document.value:
                return ICV
            if "tests" in document.value:
                return ROUTER_CHECK
    return ""
