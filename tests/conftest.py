"""Settings that every test shares: how many examples the property tests try, and whether goldens are written."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None)
settings.register_profile("truth", deadline=None, max_examples=10_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `make golden`."""
    parser.addoption("--rewrite-goldens", action="store_true", help="write expected outputs instead of comparing them")


@pytest.fixture
def rewrite_goldens(request: pytest.FixtureRequest) -> bool:
    """Tell whether expected outputs are to be written."""
    return bool(request.config.getoption("--rewrite-goldens"))
