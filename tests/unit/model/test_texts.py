import pytest

from simulator.model.go_text import quote, quote_meta
from simulator.model.proxies import ProxyId
from simulator.model.resources import ObjectRef, Provenance, field_path


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("a", '"a"'), ('a"b\\', r'"a\"b\\"'), ("a\nb\x01", r'"a\nb\x01"'), ("é→", '"é→"'), ("\u200b", r'"\u200b"')],
)
def test_texts_are_quoted_as_go_does(text: str, quoted: str) -> None:
    """Printable characters stay, others are escaped in the shortest of Go's forms."""
    assert quote(text) == quoted


def test_operators_of_regular_expressions_are_escaped() -> None:
    """Characters that mean something to RE2 are escaped, and no others."""
    assert quote_meta("a.b*[c]-/é") == r"a\.b\*\[c\]-/é"


def test_the_path_of_a_field_is_written_as_kubectl_does() -> None:
    """Names follow a dot, positions are in brackets, and a top-level field has no leading dot."""
    assert field_path(("spec", "http", 0, "route")) == "spec.http[0].route"
    assert field_path(()) == ""


def test_where_something_was_made_is_one_text() -> None:
    """The resource is named first; a field follows when there is one."""
    ref = ObjectRef(kind="VirtualService", namespace="shop", name="web")
    assert str(Provenance(ref=ref)) == "VirtualService/shop/web"
    assert str(Provenance(ref=ref, path=("spec", "http", 1))) == "VirtualService/shop/web spec.http[1]"
    assert str(ObjectRef(kind="Namespace", namespace="", name="shop")) == "Namespace/shop"


def test_names_of_pods_may_have_dots() -> None:
    """The last dot divides name and namespace, and printing undoes reading."""
    proxy = ProxyId.parse("web.v1-0.shop")
    assert (proxy.name, proxy.namespace, str(proxy)) == ("web.v1-0", "shop", "web.v1-0.shop")
