"""Levels as users write them, and what is sent to Envoy."""

import pytest

from kubectl_mesh.diagnosis.log_levels import apply, levels_of, read_levels
from kubectl_mesh.errors import NothingFound, UsageError
from simulator.model.proxies import ProxyId

PROXY = ProxyId("web-1", "shop")


class Admin:
    """A proxy that records the requests it got."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def envoy_post(self, proxy: ProxyId, path: str) -> bytes:
        """Remember the path and answer as Envoy does."""
        self.told.append(path)
        return b"active loggers:\n  http: warning\n  rbac: warning\n"


def test_a_level_alone_is_for_every_logger_and_discards_what_stood_before() -> None:
    """istioctl reads the list from left to right."""
    assert read_levels("http:debug,info,rbac=trace") == {"level": "info", "rbac": "trace"}
    assert read_levels("warn") == {"level": "warning"}
    assert read_levels("scope::http:debug") == {"http": "debug"}
    assert read_levels("") == {}


@pytest.mark.parametrize("text", ["loud", "http:loud", "none"])
def test_unknown_levels_are_refused(text: str) -> None:
    """A level that Envoy does not have is wrong usage."""
    with pytest.raises(UsageError):
        read_levels(text)


def test_the_level_of_every_logger_is_set_first() -> None:
    """Otherwise it would undo the others."""
    admin = Admin()
    text = apply(admin, PROXY, {"rbac": "debug", "level": "info"})  # type: ignore[arg-type]
    assert admin.told == ["logging", "logging?level=info", "logging?rbac=debug"]
    assert text.startswith("web-1.shop:\nactive loggers:")


def test_unknown_loggers_are_refused_before_anything_changes() -> None:
    """Nothing is set when one name is wrong."""
    admin = Admin()
    with pytest.raises(NothingFound):
        apply(admin, PROXY, {"level": "info", "htp": "debug"})  # type: ignore[arg-type]
    assert admin.told == ["logging"]


def test_list_of_loggers() -> None:
    """Envoy's list is read into levels by logger."""
    assert levels_of("web.shop:\nactive loggers:\n  admin: warning\n  rbac: debug\n\n") == {
        "admin": "warning",
        "rbac": "debug",
    }
