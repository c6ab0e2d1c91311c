"""`kubectl mesh completion`: completion for calling the program directly, and for kubectl."""

import os
import shutil
import stat
import sys
from pathlib import Path
from typing import Annotated

import typer

from kubectl_mesh.cli.groups import add, group
from kubectl_mesh.cli.program import COMPLETER, PLUGIN
from kubectl_mesh.errors import InputError

app = group("Print or install completion for bash and zsh.")

_BASH = """\
# bash completion for kubectl-@PLUGIN@; kubectl itself finds @COMPLETER@ on PATH
__kubectl_@PLUGIN@_complete() {
    local current="${COMP_WORDS[COMP_CWORD]}" out directive line
    out="$(@COMPLETER@ "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$current" 2>/dev/null)"
    directive="${out##*$'\\n'}"
    COMPREPLY=()
    while IFS= read -r line; do
        [[ $line == :* ]] || COMPREPLY+=("${line%%$'\\t'*}")
    done <<< "$out"
    if [[ $directive == ":0" ]]; then
        compopt -o default 2>/dev/null
    fi
    if declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "$current"
    fi
}
complete -F __kubectl_@PLUGIN@_complete kubectl-@PLUGIN@
"""
_ZSH = """\
#compdef kubectl-@PLUGIN@
# zsh completion for kubectl-@PLUGIN@; kubectl itself finds @COMPLETER@ on PATH
_kubectl_@PLUGIN@() {
    local -a lines candidates
    local line value
    lines=("${(@f)$(@COMPLETER@ "${words[@]:1:$((CURRENT-2))}" "${words[CURRENT]}" 2>/dev/null)}")
    for line in $lines; do
        case $line in
            :0) _files; return ;;
            :*) ;;
            *) value=${line%%$'\\t'*}
               candidates+=("${value//:/\\\\:}${${line#$value}:+:${line#*$'\\t'}}") ;;
        esac
    done
    _describe 'kubectl @PLUGIN@' candidates
}
if [ "$funcstack[1]" = "_kubectl_@PLUGIN@" ]; then
    _kubectl_@PLUGIN@
else
    compdef _kubectl_@PLUGIN@ kubectl-@PLUGIN@
fi
"""
_SCRIPT = """\
#!/bin/sh
exec "@PYTHON@" -c 'from kubectl_mesh.cli.completion import main; main()' "$@"
"""


def _filled(template: str) -> str:
    text = template.replace("@PLUGIN@", PLUGIN).replace("@COMPLETER@", COMPLETER)
    return text.replace("@PYTHON@", sys.executable)


@add(app, "bash")
def bash() -> None:
    """Print the bash completion script for `kubectl-mesh`, called without kubectl.

    \b
    Example:
      source <(kubectl mesh completion bash)
    """
    print(_filled(_BASH), end="")


@add(app, "zsh")
def zsh() -> None:
    """Print the zsh completion script for `kubectl-mesh`, called without kubectl.

    \b
    Example:
      kubectl mesh completion zsh > "${fpath[1]}/_kubectl-mesh"
    """
    print(_filled(_ZSH), end="")


@add(app, "install")
def install(
    directory: Annotated[
        str, typer.Option("--dir", metavar="DIR", help="Directory on PATH; by default that of this program.")
    ] = "",
) -> None:
    """Make `kubectl mesh <TAB>` work, by installing the program that kubectl asks. Needed once after krew.

    \b
    Example:
      kubectl mesh completion install
    """
    folder = Path(directory) if directory else _called().parent
    path = folder / COMPLETER
    if path.exists() and not directory:
        print(f"{path} is there already")
        return
    try:
        _put(path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{path}: {reason}", hint="--dir names another directory that exists") from error
    print(f"wrote {path}")
    if str(folder.resolve()) not in os.environ.get("PATH", "").split(os.pathsep):
        print(f"warning: {folder} is not on PATH", file=sys.stderr)


def _called() -> Path:
    """Return the path this program was called by: a shell may have passed on no more than its name."""
    return Path(shutil.which(sys.argv[0]) or sys.argv[0])


def _put(path: Path) -> None:
    """Make the completer: a link to a packaged program, which answers to both names; a script for any other Python."""
    if getattr(sys, "frozen", False):
        path.unlink(missing_ok=True)
        path.symlink_to(_called().absolute())  # krew's own link, when called by it: that survives an upgrade
    else:
        path.write_text(_filled(_SCRIPT))
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
