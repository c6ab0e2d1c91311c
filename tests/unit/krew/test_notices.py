"""Notices of others' work."""

from pathlib import Path

from krew.notices import Notice, of_distributions, render


def distribution(site: Path, name: str, *headers: str) -> None:
    """Write what an installed distribution leaves in a folder."""
    folder = site / f"{name}-1.0.dist-info"
    (folder / "licenses").mkdir(parents=True)
    lines = ["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *headers]
    (folder / "METADATA").write_text("\n".join(lines) + "\n")
    (folder / "licenses" / "LICENSE").write_text(f"Terms of {name}\n")
    (folder / "RECORD").write_text(f"{folder.name}/METADATA,,\n{folder.name}/licenses/LICENSE,,\n")


def test_each_distribution_is_named_with_its_terms(tmp_path: Path) -> None:
    """Each distribution comes with its license, however its metadata says it; build tools stay out."""
    distribution(tmp_path, "one", "License-Expression: MIT")
    distribution(tmp_path, "two", "License: BSD")
    distribution(tmp_path, "three", "Classifier: License :: OSI Approved :: Apache Software License")
    distribution(tmp_path, "pip", "License: MIT")
    found = {each.name: each for each in of_distributions(tmp_path, without=frozenset({"pip"}))}
    assert {name: each.license for name, each in found.items()} == {
        "one": "MIT",
        "two": "BSD",
        "three": "Apache Software License",
    }
    assert found["one"].texts == ("Terms of one\n",)


def test_notices_are_sorted_and_whole() -> None:
    """Notices are printed sorted by name, with all their texts."""
    notices = [Notice(name="b", version="2", license="MIT", texts=("Terms\n", "Authors\n")), Notice(name="A")]
    text = render(notices, program="kubectl-mesh")
    assert (
        text.index("\nA\n") < text.index("\nb 2\nLicense: MIT\n") < text.index("\nTerms\n") < text.index("\nAuthors\n")
    )
