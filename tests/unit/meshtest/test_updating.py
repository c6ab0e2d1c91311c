"""Expectations rewritten in place, and runs repeated."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kubectl_mesh.cli.suite_watching import stamps, watch
from kubectl_mesh.cli.test import app
from kubectl_mesh.errors import InputError

SHOP = Path(__file__).parents[3] / "examples" / "shop" / "shop.meshtest.yaml"


def update(folder: Path, text: str, *words: str) -> tuple[str, int, str]:
    """Run with --update; return the file's new text, the exit code and stderr."""
    file = folder / "shop.meshtest.yaml"
    file.write_text(text.replace("[base]", f"[{SHOP.parent / 'base'}]"))
    result = CliRunner().invoke(app, [str(file), "--update", *words])
    return file.read_text().replace(f"[{SHOP.parent / 'base'}]", "[base]"), result.exit_code, result.stderr


WRONG = {
    "subset: v2}\n      rule": "subset: v1}  # kept\n      rule",
    "index: 0}": "index: 7}",
    "{subset: v1, weight: 90}": "{subset: v1, weight: 85}",
    "{subset: v2, weight: 10}": "{subset: v2, weight: 15}",
    "timeout: 2s": "timeout: 9s",
    "perTryTimeout: 800ms": "perTryTimeout: 1s",
    "by: <implicit>": "by: payments/nobody",
    "disposition: tls-mismatch": "disposition: [delivered, denied]",
    "status: 403": "status: 401",
}


def test_every_kind_of_value_is_written_where_it_stands(tmp_path: Path) -> None:
    """Changed values are restored in the same style; comments and everything else stay."""
    text = SHOP.read_text()
    broken = text
    for right, wrong in WRONG.items():
        assert right in broken
        broken = broken.replace(right, wrong)
    fixed, code, said = update(tmp_path, broken)
    expected = text.replace("subset: v2}\n      rule", "subset: v2}  # kept\n      rule").replace("800ms", "0.8s")
    assert (fixed, code) == (expected, 0), said
    assert f"{len(WRONG)} values updated" in said


def test_what_passes_is_left_alone(tmp_path: Path) -> None:
    """A file whose tests pass is not touched, down to the byte."""
    assert update(tmp_path, SHOP.read_text())[0] == SHOP.read_text()


def test_a_shared_expectation_changes_only_for_all(tmp_path: Path) -> None:
    """Where the cases of a matrix have different answers, the expectation stays and its position is reported."""
    text = SHOP.read_text().replace("from: [shop/deploy/cart,", "from: [shop/deploy/web, shop/deploy/cart,")
    fixed, code, said = update(tmp_path, text, "-k", "only web may")
    assert (fixed, code) == (text, 1)
    assert "disposition: cases that share it differ" in said


def test_what_has_no_value_is_told(tmp_path: Path) -> None:
    """A destination that a denied request never gets cannot be written."""
    text = SHOP.read_text().replace("by: <implicit>}", "by: <implicit>}\n      rule: {virtualService: a/b}")
    fixed, code, said = update(tmp_path, text)
    assert (fixed, code) == (text, 1)
    assert "rule.virtualService: nothing to write" in said


def test_a_split_of_other_destinations_is_written_anew(tmp_path: Path) -> None:
    """Block style, too, and the comment behind it stays."""
    text = SHOP.read_text().replace(
        "      - {subset: v1, weight: 90}\n      - {subset: v2, weight: 10}\n",
        "      - {subset: v1, weight: 50}\n      - subset: v3\n        weight: 50  # behind\n",
    )
    fixed, code, _ = update(tmp_path, text)
    assert code == 0
    assert "{service: shop/catalog, subset: v2, port: 80, weight: 10}]  # behind\n      timeout" in fixed


@pytest.mark.parametrize(("wrong", "right"), [("/item", "/items"), ("/other*", "/items"), ("/it*", "/it*")])
def test_paths_are_compared_whole(tmp_path: Path, wrong: str, right: str) -> None:
    """A path that is merely the beginning of the one seen is wrong; one that ends in a star is not."""
    text = SHOP.read_text().replace("      timeout: 2s", f"      timeout: 2s\n      path: {wrong}")
    fixed, code, _ = update(tmp_path, text)
    assert (code, f"path: {right}\n" in fixed) == (0, True)


def test_watching_runs_again_after_a_change_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    """Each change of a file below a directory is one more run; an error in one does not end it."""
    file = tmp_path / "a" / "b.yaml"
    file.parent.mkdir()
    file.write_text("1")
    runs: list[str] = []
    told: list[str] = []

    def once() -> None:
        runs.append(file.read_text())
        if len(runs) == 1:
            raise InputError("broken")

    def pause(_: float) -> None:
        if len(runs) == 3:
            raise KeyboardInterrupt
        file.write_text(f"{len(runs)} and more{'.' * len(runs)}")

    watch(once, lambda: [str(tmp_path)], note=told.append, pause=pause)
    assert len(runs) == 3
    assert told[0] == "error: broken"


@pytest.mark.parametrize("pattern", ["*.yaml", ""])
def test_files_are_found_by_glob_and_directory(tmp_path: Path, pattern: str) -> None:
    """The files that a run reads are watched, including ones that have been removed."""
    (tmp_path / "a.yaml").write_text("x")
    assert list(stamps([str(tmp_path / pattern)])) == [str(tmp_path / "a.yaml")]
    assert stamps([str(tmp_path / "gone")]) == {}
