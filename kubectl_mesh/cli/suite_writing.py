"""`kubectl mesh test generate` and `--update`: test files that the program writes."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kubectl_mesh.cli.context import Call
from kubectl_mesh.cli.suite_inputs import read
from kubectl_mesh.errors import InputError, UsageError

if TYPE_CHECKING:
    from kubectl_mesh.meshtest.model import Suite
    from kubectl_mesh.meshtest.session import Session


def update(call: Call, session: "Session", suites: "Sequence[Suite]") -> None:
    """Write what is seen into the failing expectations of test files; tell what could not be."""
    from kubectl_mesh.meshtest.updating import updated

    for source in dict.fromkeys(suite.source for suite in suites if not suite.given.stand_ins):
        asked = [pair for suite in suites if suite.source == source for pair in session.asked(suite)]
        path = Path(source)
        found = updated(read(path), asked, wanted=session.choice.has_name, namespace=call.namespace)
        if found.count:
            path.write_text(found.text, encoding="utf-8")
            call.note(f"{source}: {found.count} value{'' if found.count == 1 else 's'} updated")
        for reason in found.left:
            call.note(f"not updated: {reason}")


def generate(call: Call, files: list[str], sender: str) -> None:
    """Write a test file of the mesh as it is, to stdout or a file that is not there yet."""
    import yaml

    from kubectl_mesh.diagnosis.predictor import Predictor
    from kubectl_mesh.meshtest.generating import generate as make

    if len(files) > 1:
        raise UsageError("generate writes one file", hint="kubectl mesh test generate -f k8s/ FILE")
    target = Path(files[0]) if files else None
    folder = target.parent if target is not None else Path()
    given = _given(call, folder)
    name = target.name.removesuffix(".yaml").removesuffix(".meshtest") if target is not None else "generated"
    document = make(Predictor(call.source), name=name, given=given, senders=[sender] if sender else [])
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    if target is None:
        call.write(text)
        return
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise InputError(f"{target} is there already", hint="name another file, or delete it first") from error
    except OSError as error:
        raise InputError(f"{target}: {error.strerror or error}", hint="check the path") from error
    call.note(f"{target}: {len(document['spec']['cases'])} cases")


def _given(call: Call, folder: Path) -> dict[str, object]:
    """Name the mesh of the command as a file in `folder` sees it; nothing for the example and for a live cluster."""
    settings = call.settings
    if settings.bundle:
        return {"bundle": os.path.relpath(settings.bundle, folder)}
    if settings.files:
        paths = [path if path == "-" else os.path.relpath(path, folder) for path in settings.files]
        inject = settings.completion.inject
        given: dict[str, object] = {"manifests": paths}
        return given | ({"inject": list(inject)} if inject else {})
    return {}
