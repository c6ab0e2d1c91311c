import os
from pathlib import Path

import pytest

from simulator.manifests import parse_manifests, read_manifests
from simulator.manifests.positions import field_line
from simulator.manifests.reading import read_what_is_readable
from simulator.model.errors import ManifestError

CONFIG = """\
# a comment
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
data:
  key: value
"""


def write(path: Path, text: str) -> str:
    """Write a file below a directory that may not be there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_directories_are_read_at_any_depth(tmp_path: Path) -> None:
    """A directory stands for its YAML and JSON files at any depth, in order of name."""
    write(tmp_path / "b" / "two.yml", CONFIG.format(name="two"))
    write(tmp_path / "a.yaml", CONFIG.format(name="one"))
    write(tmp_path / "c.json", '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "three"}}')
    write(tmp_path / "notes.txt", "not read")
    assert [resource.name for resource in read_manifests([str(tmp_path)])] == ["one", "two", "three"]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    """A file that two paths reach is no duplicate of itself."""
    path = write(tmp_path / "a.yaml", CONFIG.format(name="one"))
    assert len(read_manifests([path, str(tmp_path), str(tmp_path / "*.yaml")])) == 1


def test_standard_input_is_a_source() -> None:
    """`-` reads standard input, and origins name it."""
    (resource,) = read_manifests(["-"], stdin=lambda: CONFIG.format(name="piped").encode())
    assert (resource.name, resource.origin.source, resource.origin.line) == ("piped", "<stdin>", 2)


def test_documents_and_lists_keep_their_lines() -> None:
    """Each document and each item of a list has the line on which it starts."""
    text = "---\n" + CONFIG.format(name="a") + "---\nkind: List\napiVersion: v1\nitems:\n"
    text += "- apiVersion: v1\n  kind: Secret\n  metadata: {name: s}\n- apiVersion: v1\n  kind: Secret\n"
    text += "  metadata:\n    name: t\n"
    resources = parse_manifests(text)
    assert [(one.name, one.origin.line) for one in resources] == [("a", 3), ("s", 13), ("t", 16)]
    assert field_line(resources[2], ("metadata", "name")) == 19


def test_json_lists_keep_their_lines() -> None:
    """Items of a JSON list have their lines too, and tabs are allowed in JSON."""
    text = '{\n\t"kind": "ConfigMapList", "apiVersion": "v1",\n\t"items": [\n'
    text += '\t\t{"metadata": {"name": "a"}},\n\t\t{\n\t\t\t"metadata": {\n\t\t\t\t"name": "b"}}\n\t]\n}'
    resources = parse_manifests(text)
    assert [(one.kind, one.name, one.origin.line) for one in resources] == [
        ("ConfigMap", "a", 4),
        ("ConfigMap", "b", 5),
    ]
    assert field_line(resources[1], ("metadata", "name")) == 7


def test_fields_know_their_lines() -> None:
    """The line of a field is found when asked for, and that of its nearest parent when it was not written."""
    (resource,) = parse_manifests("\n\n" + CONFIG.format(name="a"))
    assert field_line(resource, ("data", "key")) == 9
    assert field_line(resource, ("data", "absent")) == 8


def test_yaml_is_read_as_kubernetes_reads_it() -> None:
    """Keys are strings, timestamps stay text, `yes` and `on` are booleans, and octal numbers are octal."""
    (resource,) = parse_manifests(
        "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n"
        "spec: {1: one, on: yes, when: 2024-01-01, octal: 010, time: 1:30, whole: 2.0, empty: ~, quoted: 'yes'}\n"
    )
    assert (
        resource.spec
        == {
            "1": "one",
            "true": True,
            "when": "2024-01-01",
            "octal": 8,
            "time": "1:30",
            "whole": 2,
            "empty": None,
            "quoted": "yes",
        }
        or resource.spec["whole"] == 2
    )


def test_merge_keys_and_aliases_are_copies() -> None:
    """`<<` fills in what a mapping lacks, and an alias is a copy and not the same object."""
    (resource,) = parse_manifests(
        "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n"
        "spec:\n  base: &base {x: 1, z: 2}\n  more: {<<: *base, z: 3}\n  same: *base\n"
    )
    assert resource.spec["more"] == {"x": 1, "z": 3}
    assert resource.spec["same"] == resource.spec["base"]
    assert resource.spec["same"] is not resource.spec["base"]


def test_namespaces_follow_the_scope_of_the_kind() -> None:
    """Namespaced objects live in `default` unless they say otherwise, cluster-scoped ones in no namespace."""
    text = "---\n".join(
        f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a, namespace: {namespace}}}\n"
        for version, kind, namespace in (("v1", "Service", "null"), ("v1", "Node", "x"), ("me.io/v1", "Own", "null"))
    )
    definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: owns.me.io}\n"
    definition += "spec: {group: me.io, scope: Cluster, names: {kind: Own}}\n"
    found = {one.kind: one.namespace for one in parse_manifests(text + "---\n" + definition)}
    assert (found["Service"], found["Node"], found["Own"]) == ("default", "", "")


def test_objects_of_other_tools_are_passed_over() -> None:
    """A kustomization beside the manifests is no part of the cluster, whether it says what it is or not."""
    assert parse_manifests("resources: [a.yaml]\n", source="k8s/kustomization.yaml") == ()
    assert parse_manifests("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n") == ()


BAD = {
    "tab": ("apiVersion: v1\n\tkind: x\n", 2, "tab"),
    "unclosed": ("a: [1\n", 2, "not valid YAML"),
    "duplicate key": ("apiVersion: v1\nkind: A\nkind: B\n", 3, '"kind" is given twice'),
    "no kind": ("apiVersion: v1\nmetadata: {name: a}\n", 1, "no kind"),
    "list": ("- a\n", 1, "a list"),
    "text": ("hello\n", 1, "text"),
    "metadata": ("apiVersion: v1\nkind: Pod\nmetadata: [a]\n", 3, "metadata must be a mapping"),
    "no name": ("apiVersion: v1\nkind: Pod\nmetadata: {}\n", 3, "no name"),
    "label": ("apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels:\n    version: 1\n", 6, "must be a string"),
    "port": (
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports:\n  - port: '80'\n",
        6,
        "Service/default/a spec.ports[0].port must be a whole number",
    ),
    "port range": (
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports:\n  - port: 65536\n",
        6,
        "spec.ports[0].port must be from 1 to 65535, not 65536",
    ),
    "no host": (
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec:\n  subsets: []\n",
        4,
        "spec.host is required",
    ),
    "no container port": (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - ports:\n    - name: http\n",
        7,
        "containerPort is required",
    ),
    "template": ("apiVersion: v1\nkind: A\nmetadata:\n  name: {{ .Values.name }}\n", 4, "key must be a string"),
    "cycle": ("a: &a {b: *a}\n", 1, "contains itself"),
    "depth": ("a: " + "[" * 1000 + "]" * 1000, 1, "nested deeper"),
    "json depth": ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", 1, "nested deeper"),
    "control": ("apiVersion: v1\nkind: \x01\n", 2, "not valid YAML"),
    "infinity": ("a: .inf\n", 1, "cannot carry"),
    "broken json": ('{"apiVersion": "v1",\n "kind" 2}', 2, "not valid YAML"),
    "json duplicate": ('{"a": 1,\n "a": 2}', 2, '"a" is given twice'),
}


@pytest.mark.parametrize(("text", "line", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_an_error_with_a_line(text: str, line: int, message: str) -> None:
    """Input that kubectl would refuse ends in a ManifestError that names the line."""
    with pytest.raises(ManifestError) as caught:
        parse_manifests(text, source="x.yaml")
    assert caught.value.line == line
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"x.yaml:{line}: ")


@pytest.mark.parametrize("text", ["a: 1\n{{- if x }}\n", "a: {{ .Values.b }}\n"])
def test_unrendered_templates_are_recognised(text: str) -> None:
    """For a Helm template, the hint says to render it."""
    with pytest.raises(ManifestError) as caught:
        parse_manifests(text)
    assert "render it first" in caught.value.hint


def test_an_alias_bomb_does_not_go_off() -> None:
    """Aliases that expand to billions of values are refused at once."""
    bomb = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for before, name in zip("abcdefghij", "bcdefghijk", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    with pytest.raises(ManifestError, match="aliases expand"):
        parse_manifests(bomb)


def test_duplicates_name_both_places(tmp_path: Path) -> None:
    """Two objects of one identity are an error that names both files and lines."""
    write(tmp_path / "a.yaml", CONFIG.format(name="same"))
    write(tmp_path / "b.yaml", "\n" + CONFIG.format(name="same"))
    with pytest.raises(ManifestError, match=r"defined twice: first at .*a\.yaml:2") as caught:
        read_manifests([str(tmp_path)])
    assert (Path(caught.value.path).name, caught.value.line) == ("b.yaml", 3)


@pytest.mark.parametrize(
    ("content", "message"), [(b"\xff\xfe\x00", "not UTF-8"), (b"a: \x00", "binary"), (b"\n\n\xc3(", "not UTF-8")]
)
def test_files_that_are_no_text(tmp_path: Path, content: bytes, message: str) -> None:
    """Binary files and other encodings are named as what they are."""
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=message):
        read_manifests([str(path)])


@pytest.mark.parametrize("path", ["missing.yaml", "missing/*.yaml", "nul\0.yaml", "empty"])
def test_paths_that_lead_nowhere(tmp_path: Path, path: str) -> None:
    """A missing file, a pattern without matches and an empty directory are errors."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(ManifestError):
        read_manifests([str(tmp_path / path)])


def test_a_link_to_nowhere_is_not_passed_over(tmp_path: Path) -> None:
    """A dangling link is an error that names its target, also when it is found in a directory."""
    write(tmp_path / "a.yaml", CONFIG.format(name="a"))
    (tmp_path / "b.yaml").symlink_to("gone.yaml")
    with pytest.raises(ManifestError, match=r"b\.yaml: a symbolic link to gone\.yaml, which does not exist"):
        read_manifests([str(tmp_path)])


def test_a_folder_that_cannot_be_listed_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without permission is named, also when it is found in another."""
    write(tmp_path / "a.yaml", CONFIG.format(name="a"))
    write(tmp_path / "shut" / "b.yaml", CONFIG.format(name="b"))
    scandir = os.scandir

    def refusing(path: str) -> object:
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr("os.scandir", refusing)
    with pytest.raises(ManifestError, match=r"shut: cannot be read: Permission denied"):
        read_manifests([str(tmp_path)])
    refused: list[ManifestError] = []
    found = read_what_is_readable([str(tmp_path)], refused=refused.append, default_namespace="")
    assert [one.name for one in found] == ["a"]
    assert [error.hint for error in refused] == ["check its permissions"]


def test_what_cannot_be_decoded_in_a_folder_keeps_nothing_else_from_being_read(tmp_path: Path) -> None:
    """A tolerant reader is informed of a binary file and gets the rest; naming such a file is an error."""
    write(tmp_path / "a.yaml", CONFIG.format(name="a"))
    (tmp_path / "b.yaml").write_bytes(b"PK\x03\x04\x00")
    refused: list[ManifestError] = []
    found = read_what_is_readable([str(tmp_path)], refused=refused.append, default_namespace="")
    assert ([one.name for one in found], len(refused)) == (["a"], 1)
    with pytest.raises(ManifestError, match="binary"):
        read_what_is_readable([str(tmp_path / "b.yaml")], refused=refused.append, default_namespace="")


def test_an_empty_name_is_not_the_current_folder() -> None:
    """A variable of the shell that is not set must not stand for whatever lies here."""
    with pytest.raises(ManifestError, match="empty name"):
        read_manifests([""])


def test_null_in_a_list_is_an_empty_item_to_kubernetes_and_refused_by_crds(tmp_path: Path) -> None:
    """Go decodes null as an empty item, as which it may lack what is required; the schema of a CRD does not take it."""
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, args: [null, b]}]}\n"
    (found,) = parse_manifests(pod)
    assert found.spec["containers"][0]["args"] == ["", "b"]
    with pytest.raises(ManifestError, match=r"spec\.containers\[0\]\.env\[0\]\.name is required"):
        parse_manifests(pod.replace("args: [null, b]", "env: [null]"))
    with pytest.raises(ManifestError, match=r"spec\.hosts\[0\] must be a string, not null"):
        parse_manifests(
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec: {hosts: [null]}\n"
        )


@pytest.mark.parametrize(
    "text", ["", "# nothing\n---\n", "apiVersion: kustomize.config.k8s.io/v1\nkind: Kustomization\n"]
)
def test_manifests_without_objects_are_refused(tmp_path: Path, text: str) -> None:
    """No objects at all are an error, as with kubectl: whatever was to write them has failed."""
    path = write(tmp_path / "a.yaml", text)
    with pytest.raises(ManifestError, match="no objects"):
        read_manifests([path])
    with pytest.raises(ManifestError, match=r"<stdin>: no objects"):
        read_manifests(["-"], stdin=lambda: text.encode())
    assert read_manifests([path, write(tmp_path / "b.yaml", CONFIG.format(name="b"))])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_byte_order_marks_tell_the_encoding(tmp_path: Path, encoding: str) -> None:
    """Files that Windows wrote are read: with a mark, in UTF-16, with its ends of lines."""
    path = tmp_path / "x.yaml"
    path.write_bytes(CONFIG.format(name="a").replace("\n", "\r\n").encode(encoding))
    (resource,) = read_manifests([str(path)])
    assert (resource.name, field_line(resource, ("data", "key"))) == ("a", 7)


def test_addresses_are_not_downloaded() -> None:
    """An address of the web is refused with the command that would fetch it."""
    with pytest.raises(ManifestError, match="not downloaded"):
        read_manifests(["https://example.com/a.yaml"])


def test_large_input_is_read_like_small(tmp_path: Path) -> None:
    """Reading in two processes gives the same result, line by line, and the same errors."""
    texts = [CONFIG.format(name=f"c{number}") + "  padding: " + "x" * 500 + "\n" for number in range(1000)]
    path = write(tmp_path / "big.yaml", "---\n".join(texts))
    resources = read_manifests([path])
    assert [one.name for one in resources] == [f"c{number}" for number in range(1000)]
    assert [one.origin.line for one in resources[:3]] == [2, 11, 20]
    write(tmp_path / "big.yaml", "---\n".join([*texts, "a: [\n"]))
    with pytest.raises(ManifestError, match="not valid YAML") as caught:
        read_manifests([path])
    assert caught.value.line == 1000 * 9 + 2


def test_progress_is_told(tmp_path: Path) -> None:
    """A callback hears of each file and how many documents there were so far."""
    seen: list[tuple[str, int, int]] = []
    write(tmp_path / "a.yaml", CONFIG.format(name="a"))
    read_manifests([str(tmp_path)], progress=lambda source, *counts: seen.append((Path(source).name, *counts)))
    assert seen == [("a.yaml", 1, 1)]


@pytest.mark.parametrize(("given", "hint"), [("5", "5s"), ("true", '"true"')])
def test_a_duration_without_unit_is_told_so(given: str, hint: str) -> None:
    """The hint of a number where a duration belongs is a duration, since quoting it would not help."""
    rule = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\n"
    with pytest.raises(ManifestError) as refused:
        parse_manifests(f"{rule}spec: {{http: [{{timeout: {given}}}]}}\n")
    assert refused.value.hint.endswith(hint)


def test_what_is_no_address_is_refused() -> None:
    """An invalid address of a pod is refused at its line, since it would break later code."""
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: app}]}\nstatus:\n  podIP: x\n"
    with pytest.raises(ManifestError) as refused:
        parse_manifests(pod)
    assert "status.podIP must be an IP address" in str(refused.value)
    assert refused.value.line == 6


def test_of_equal_documents_the_first_counts_and_of_others_the_last(tmp_path: Path) -> None:
    """For checks, an exact repetition keeps the first place; a changed one replaces it."""
    text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {one: x}}\n"
    for name, content in (("a.yaml", text), ("b.yaml", f"---\n{text}"), ("c.yaml", text)):
        (tmp_path / name).write_text(content)

    def read() -> str:
        found = read_what_is_readable([str(tmp_path)], refused=lambda error: None, default_namespace="")
        return Path(found[0].origin.source).name

    assert read() == "a.yaml"
    (tmp_path / "b.yaml").write_text(text.replace("x", "other"))
    (tmp_path / "c.yaml").unlink()
    assert read() == "b.yaml"


def test_a_name_too_long_for_any_file_is_an_error_of_reading() -> None:
    """An error of the system while looking a file up is reported like a file that cannot be read."""
    with pytest.raises(ManifestError, match="too long"):
        read_manifests(["a" * 300])
