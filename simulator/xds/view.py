"""What generation may know of one proxy, and how equal parts are built once.

A builder is a pure function `build(snapshot, *dependence)`: everything it depends on besides the snapshot is a hashable
argument. `Shared` keeps one result per builder and dependence, so two proxies with the same dependence hold the same
object. That is the only cache of the generator: the dependence of a resource on its proxy is in the signature of its
builder, where a reader can see it and a hash can compare it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from simulator.model.proxies import Proxy
from simulator.registry.scopes import SidecarScope
from simulator.registry.snapshot import Snapshot

P = ParamSpec("P")
T = TypeVar("T")
_ABSENT = object()


class Shared:
    """Results of builders over one snapshot, one for each distinct dependence."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._built: dict[tuple[object, ...], Any] = {}

    def __call__(self, build: Callable[Concatenate[Snapshot, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return `build(snapshot, *args)`, built at most once. Positional, hashable arguments only."""
        if kwargs:
            raise TypeError("a dependence is positional")
        key = (build, *args)
        found: T = self._built.get(key, _ABSENT)
        if found is _ABSENT:
            found = self._built[key] = build(self.snapshot, *args, **kwargs)
        return found

    def forget(self) -> None:
        """Drop all results: one of a builder that takes this as an argument is part of a reference cycle."""
        self._built.clear()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProxyView:
    """One proxy, its scope, and the results shared with the other proxies of the snapshot."""

    snapshot: Snapshot
    proxy: Proxy
    scope: SidecarScope
    shared: Shared
