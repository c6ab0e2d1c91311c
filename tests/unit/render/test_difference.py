from kubectl_mesh.render.color import Palette
from kubectl_mesh.render.difference import markdown, render, summary
from kubectl_mesh.reports.changes import Action, Changes, Ending, FieldChange, RequestChange, ResourceChange

BROKEN = RequestChange(
    request="GET http://cart/a|b",
    sources=("shop/web",),
    before=Ending(disposition="delivered", status=200, destination="cart:80"),
    after=Ending(disposition="no-healthy-endpoint", status=503, effects={"timeout": "1s"}),
)
CHANGES = Changes(
    resources=(
        ResourceChange(
            kind="cluster",
            name="c",
            action=Action.CHANGED,
            fields=(FieldChange(path="timeout", before="1s", after="2s"),),
            proxies=("web.shop",),
        ),
    ),
    requests=(BROKEN,),
    proxies_changed=("web.shop",),
    proxies_total=2,
)


def test_the_summary_counts_and_says_what_fails() -> None:
    """One line says how many proxies change and how many requests now fail."""
    assert summary(CHANGES) == (
        "1 of 2 proxies change: 1 cluster changed; 1 kind of requests ends differently: 1 now fails"
    )


def test_nothing_is_said_to_be_nothing() -> None:
    """Equal meshes give one plain sentence."""
    assert render(Changes(proxies_total=1), palette=Palette()) == "no differences in 1 proxy\n"


def test_both_endings_and_the_fields_are_shown() -> None:
    """A reader sees before, after, and which field of which resource made the difference."""
    text = render(CHANGES, palette=Palette())
    assert "    - delivered 200 cart:80" in text
    assert "    + no-healthy-endpoint 503" in text
    assert "timeout: 1s → 2s" in text


def test_markdown_cells_cannot_break_the_table() -> None:
    """A bar in a request is escaped."""
    assert "cart/a\\|b" in markdown(CHANGES)


def test_settings_are_told_in_words() -> None:
    """The effect of a route is printed as in a trace, not as a document."""
    before = Ending(disposition="delivered", status=200, effects={"retries": {"on": "5xx,reset", "attempts": 2}})
    after = Ending(disposition="delivered", status=200, effects={"fault": {"abort": [503]}})
    change = RequestChange(request="GET http://web/", sources=("shop/web",), before=before, after=after)
    text = render(Changes(requests=(change,)), palette=Palette())
    assert "retries: on 5xx,reset, attempts 2 → none" in text
    assert "fault: none → abort 503" in text


def test_a_part_that_fails_and_what_is_mended_are_counted_apart() -> None:
    """A canary that fails is not a service that fails; a request that works again is good news."""
    good = Ending(disposition="delivered", status=200, because="VirtualService/shop/web")
    part = Ending(disposition="delivered", status=200, shares=(("web subset v2 (503 no-cluster)", 10.0),))
    bad = Ending(disposition="denied", status=403)
    pairs = ((good, part), (good, bad), (good, bad), (bad, good))
    requests = tuple(
        RequestChange(request="GET http://web/", sources=("shop/web",), before=before, after=after)
        for before, after in pairs
    )
    assert summary(Changes(requests=requests, proxies_total=1)).endswith(
        "4 kinds of requests end differently: 2 now fail, 1 now fails in part, 1 no longer fails"
    )


def test_what_both_sides_have_in_common_is_not_repeated() -> None:
    """One reason for both endings stands once, and a request that gets nowhere has no settings that could differ."""
    before = Ending(disposition="delivered", because="VirtualService/shop/web", effects={"timeout": "1s"})
    after = Ending(disposition="no-cluster", because="VirtualService/shop/web")
    change = RequestChange(request="GET http://web/", sources=("shop/web",), before=before, after=after)
    text = render(Changes(requests=(change,)), palette=Palette())
    assert text.count("VirtualService/shop/web") == 1
    assert "timeout" not in text


def test_requests_that_end_as_before_are_not_said_to_end_differently() -> None:
    """Another timeout on the way is a change, but not one of where and how a request ends."""
    before, after = (Ending(disposition="delivered", effects={"timeout": each}) for each in ("1s", "2s"))
    change = RequestChange(request="GET http://web/", sources=("shop/web",), before=before, after=after)
    told = summary(Changes(requests=(change,), proxies_total=1))
    assert told.endswith("; 1 kind of requests is handled differently")
    both = summary(Changes(requests=(change, BROKEN), proxies_total=1))
    assert both.endswith("; 1 kind of requests ends differently: 1 now fails; 1 is handled differently")
