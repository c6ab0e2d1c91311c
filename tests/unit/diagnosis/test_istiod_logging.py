"""Log levels of istiod, as words."""

import pytest

from kubectl_mesh.diagnosis.istiod_logging import read_pairs
from kubectl_mesh.errors import UsageError


def test_pairs() -> None:
    """Scopes may have blanks and dashes."""
    assert read_pairs("ads:debug,ingress status:none") == {"ads": "debug", "ingress status": "none"}
    assert read_pairs("") == {}


@pytest.mark.parametrize("text", ["debug", "ads:loud", "ads:debug2", ":info", "ads:debug,,x"])
def test_not_pairs(text: str) -> None:
    """Levels that istiod does not know are refused before a request is made."""
    with pytest.raises(UsageError, match="not SCOPE:LEVEL"):
        read_pairs(text)
