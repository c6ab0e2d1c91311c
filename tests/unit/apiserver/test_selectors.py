import pytest

from simulator.apiserver.selectors import both, field_test, label_test
from simulator.apiserver.statuses import StatusError

POD = {"metadata": {"name": "web", "labels": {"app": "web", "tier": "front", "n": "7"}}, "status": {"phase": "Running"}}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("app=web", True),
        ("app==web", True),
        ("app!=web", False),
        ("missing!=x", True),
        ("app in (web, cart)", True),
        ("app notin (web)", False),
        ("missing notin (x)", True),
        ("app", True),
        ("!app", False),
        ("!missing,app=web", True),
        ("app in (web),tier in (back)", False),
        ("n>6", True),
        ("n<7", False),
        ("app=", False),
        ("istio/multiCluster=true", False),
    ],
)
def test_label_selectors_select_as_kubernetes_does(text: str, selected: bool) -> None:
    """Every form of label selector selects what the API server would select."""
    test = label_test(text)
    assert test is not None
    assert test(POD) is selected


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("status.phase=Running", True),
        ("status.phase!=Running", False),
        ("metadata.name==web,status.phase=Running", True),
        ("type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token", True),
        ("spec.nodeName=", True),
    ],
)
def test_field_selectors_compare_paths(text: str, selected: bool) -> None:
    """A field selector compares the text at a path; an absent field is the empty text."""
    test = field_test(text)
    assert test is not None
    assert test(POD) is selected


@pytest.mark.parametrize("text", ["app in web", "a=b=c", "=x", "app>x", "app in (web", ","])
def test_unreadable_label_selectors_are_refused(text: str) -> None:
    """A selector that cannot be read is a 400 and not an empty selection."""
    with pytest.raises(StatusError) as refused:
        label_test(text)
    assert refused.value.code == 400


def test_no_selector_selects_everything() -> None:
    """Empty selectors cost nothing: they compile to no test."""
    assert both(label_test(" "), field_test("")) is None
