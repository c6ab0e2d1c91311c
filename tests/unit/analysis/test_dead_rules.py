import pytest

from tests.unit.analysis import codes, findings, resource

NAME = "mesh.DeadRules"


def _rules(*matches: str, more: str = "") -> str:
    rules = ", ".join(f"{{match: [{match}], route: [{{destination: {{host: web}}}}]}}" for match in matches)
    return resource("VirtualService", "web", f"{{hosts: [web]{more}, http: [{rules}]}}")


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("{uri: {prefix: /api}}", "{uri: {exact: /api/v1}}"),
        ("{uri: {prefix: /api}}", "{uri: {prefix: /api/v2}, headers: {x-user: {exact: bob}}}"),
        ("{uri: {prefix: /api}}", "{uri: {regex: '/api/[0-9]+'}}"),
        ("{uri: {regex: '/a.*'}}", "{uri: {exact: /api}}"),
        ("{uri: {prefix: /API}, ignoreUriCase: true}", "{uri: {exact: /api/v1}}"),
        ("{headers: {x-user: {}}}", "{headers: {X-User: {exact: bob}}}"),
        ("{headers: {x-user: {prefix: b}}}", "{headers: {x-user: {exact: bob}}, method: {exact: GET}}"),
        ("{uri: {prefix: /}}", "{uri: {exact: /a}}"),
        ("{sourceLabels: {app: a}}", "{sourceLabels: {app: a, version: v1}}"),
    ],
)
def test_rules_without_requests_of_their_own_are_dead(wide: str, narrow: str) -> None:
    """A rule is dead when an earlier match takes all that it takes."""
    assert codes(NAME, _rules(wide, narrow)) == ["KM0003 web"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{uri: {prefix: /api/v1}}", "{uri: {prefix: /api}}"),
        ("{uri: {prefix: /api}, method: {exact: POST}}", "{uri: {exact: /api/v1}}"),
        ("{uri: {prefix: /api}, headers: {x-user: {exact: bob}}}", "{uri: {exact: /api/v1}}"),
        ("{uri: {prefix: /api}}", "{uri: {regex: '/ap[i-z]/v1'}}"),
        ("{uri: {prefix: /api}}", "{uri: {regex: '(?i)/api/v1'}}"),
        ("{uri: {prefix: /api}}", "{uri: {exact: /api/v1}, ignoreUriCase: true}"),
        ("{uri: {exact: /api}}", "{uri: {prefix: /api}}"),
        ("{uri: {prefix: /api}, withoutHeaders: {x-user: {}}}", "{uri: {exact: /api/v1}}"),
        ("{uri: {prefix: /api}, queryParams: {a: {exact: '1'}}}", "{uri: {exact: /api/v1}}"),
        ("{uri: {prefix: /api}, port: 80}", "{uri: {exact: /api/v1}}"),
        ("{uri: {prefix: /api}, sourceNamespace: ops}", "{uri: {exact: /api/v1}}"),
        ("{uri: {prefix: /api}, gateways: [front]}", "{uri: {exact: /api/v1}}"),
        ("{headers: {x-user: {regex: 'b.*'}}}", "{headers: {x-user: {prefix: b}}}"),
        ("{uri: {regex: '/a|/b$'}}", "{uri: {exact: /bc}}"),
    ],
)
def test_rules_that_may_still_meet_a_request_are_not_reported(first: str, second: str) -> None:
    """Silence wherever some request could get past the earlier rule."""
    assert codes(NAME, _rules(first, second)) == []


def test_each_match_of_a_dead_rule_is_taken() -> None:
    """A rule lives as long as one of its matches does."""
    assert codes(NAME, _rules("{uri: {prefix: /a}}", "{uri: {prefix: /a/b}}, {uri: {prefix: /c}}")) == []
    assert codes(NAME, _rules("{uri: {prefix: /a}}", "{uri: {prefix: /c}}", "{uri: {exact: /a/b}}, {uri: {exact: /c}}"))


def test_rules_that_take_everything_come_last_on_gateways() -> None:
    """istiod moves a catch-all to the end on a gateway, so that it kills nothing there."""
    given = _rules("{uri: {prefix: /}}", "{uri: {exact: /a}}", more=", gateways: [front]")
    assert codes(NAME, given) == []


def test_equal_matches_are_left_to_istioctl() -> None:
    """Rules that istioctl reports as IST0130 are not reported again."""
    assert codes(NAME, _rules("{uri: {prefix: /a}}", "{uri: {prefix: /a}}")) == []


def test_a_dead_rule_is_shown_by_a_request() -> None:
    """The witness is a request of the dead rule and the rule that answers it."""
    (given,) = findings(NAME, _rules("{uri: {prefix: /api}}", "{uri: {regex: '/api/[0-9]+'}}"))
    assert given.witness == "GET http://web/api/0 is answered by rule #0"
