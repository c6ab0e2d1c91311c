import asyncio

import pytest

from simulator.apiserver import storage, watches
from simulator.apiserver.catalog import Catalog, ResourceType
from simulator.apiserver.lists import Lister
from simulator.apiserver.statuses import StatusError
from simulator.apiserver.storage import Compacted, Event, Key, ObjectStore, WrongVersion
from simulator.model.wire import Json

TIME = "2026-01-01T00:00:00Z"


def store_of(*names: str) -> ObjectStore:
    """Return a store of ConfigMaps in one namespace."""
    store = ObjectStore(lambda: TIME)
    for name in names:
        put(store, name)
    return store


def put(store: ObjectStore, name: str, **labels: str) -> Json:
    """Store a ConfigMap."""
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": labels}, "data": {"x": name}}
    return store.put(Key("configmaps", "shop", name), document)


def configmaps() -> ResourceType:
    """Return the type of ConfigMaps."""
    found = Catalog().of("", "ConfigMap")
    assert found is not None
    return found


def test_an_object_keeps_its_identity_while_it_lives() -> None:
    """Updates keep uid and date and raise the version; a new object of the name has another uid."""
    store = store_of("a")
    key = Key("configmaps", "shop", "a")
    first = store.get(key) or {}
    second = put(store, "a")
    assert first["metadata"]["uid"] == second["metadata"]["uid"]
    assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
    store.delete(key)
    assert put(store, "a")["metadata"]["uid"] != first["metadata"]["uid"]


def test_a_write_on_an_old_version_is_refused() -> None:
    """Optimistic locking: who read version 1 may not overwrite version 2."""
    store = store_of("a")
    old = (store.get(Key("configmaps", "shop", "a")) or {})["metadata"]["resourceVersion"]
    put(store, "a")
    with pytest.raises(WrongVersion):
        store.put(Key("configmaps", "shop", "a"), {"metadata": {}}, expected=old)


def test_history_is_complete_or_said_to_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader gets every change after its version, or learns that some are no longer kept."""
    monkeypatch.setattr(storage, "KEPT_EVENTS", 3)
    store = store_of("a", "b", "c", "d", "e")
    assert [event.revision for event in store.since(2)] == [3, 4, 5]
    assert store.since(5) == ()
    with pytest.raises(Compacted):
        store.since(1)


def test_pages_are_those_of_the_first_page() -> None:
    """A list read in pages neither misses nor repeats an object that was there when it began."""
    store = store_of(*(f"c{number}" for number in range(7)))
    lister, names, token = Lister(store), [], ""
    while True:
        page = lister.page(configmaps(), "shop", {"limit": "3", "continue": token} if token else {"limit": "3"})
        names += [document["metadata"]["name"] for document in page.documents]
        put(store, "a-new-one")
        store.delete(Key("configmaps", "shop", "c6"))
        token = page.token
        if not token:
            break
        assert page.remaining == 7 - len(names)
    assert names == [f"c{number}" for number in range(7)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"limit": "x"}, 400),
        ({"limit": "-1"}, 400),
        ({"continue": "%%"}, 400),
        ({"continue": "eyJsaXN0IjogIjkiLCAic3RhcnQiOiAwfQ=="}, 410),
        ({"resourceVersion": "99"}, 504),
        ({"resourceVersionMatch": "Exact"}, 400),
        ({"resourceVersion": "1", "resourceVersionMatch": "Exact"}, 410),
        ({"resourceVersion": "1", "resourceVersionMatch": "Newest"}, 400),
    ],
)
def test_unreadable_list_parameters_are_refused(query: dict[str, str], code: int) -> None:
    """Wrong parameters of a list are answered with the API server's codes."""
    with pytest.raises(StatusError) as refused:
        Lister(store_of("a", "b")).page(configmaps(), None, query)
    assert refused.value.code == code


def seen(store: ObjectStore, query: dict[str, str], change: object = None) -> list[str]:
    """Return what a watch of a second shows, as `TYPE name`."""

    def encode(event: Event, kind: str, document: Json) -> bytes:
        return f"{kind} {document['metadata']['name']}".encode()

    async def read() -> list[str]:
        request = watches.parse(configmaps(), "shop", {"timeoutSeconds": "1"} | query)
        lines: list[str] = []
        stream = watches.stream(store, request, encode, {"kind": "ConfigMap"})
        if callable(change):
            asyncio.get_running_loop().call_later(0.05, change)
        async for chunk in stream:
            lines.append(chunk.decode())
        return lines

    return asyncio.run(read())


def test_a_watch_from_nowhere_starts_with_what_there_is() -> None:
    """Without a version, present objects come as ADDED; from a version on, only changes come."""
    store = store_of("a", "b")
    assert "".join(seen(store, {})) == "ADDED aADDED b"
    assert "".join(seen(store, {"resourceVersion": "1"}, lambda: put(store, "c"))) == "ADDED bADDED c"


def test_initial_events_end_with_a_bookmark() -> None:
    """`sendInitialEvents` is answered by the objects there are and a bookmark that says they are all."""
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    added, bookmark = seen(store_of("a"), query)[:2]
    assert added == "ADDED a"
    assert '"k8s.io/initial-events-end": "true"' in bookmark


def test_objects_enter_and_leave_a_selection() -> None:
    """An object that leaves the watcher's selection is DELETED for it, one that enters it ADDED."""
    store = ObjectStore(lambda: TIME)
    put(store, "a", app="web")
    start = str(store.revision)
    put(store, "a", app="cart")
    put(store, "a", app="web", more="x")
    put(store, "a", app="web")
    store.delete(Key("configmaps", "shop", "a"))
    lines = "".join(seen(store, {"resourceVersion": start, "labelSelector": "app=web"}))
    assert lines == "DELETED aADDED aMODIFIED aDELETED a"


def test_a_watch_of_forgotten_history_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that is too old is an ERROR event with code 410, upon which clients list anew."""
    monkeypatch.setattr(storage, "KEPT_EVENTS", 1)
    (line,) = seen(store_of("a", "b", "c"), {"resourceVersion": "1"})
    assert '"ERROR"' in line
    assert '"code": 410' in line
