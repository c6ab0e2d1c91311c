import pytest

from simulator.xds.durations import duration, nanoseconds


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("5s", "5s"),
        ("0s", "0s"),
        ("0", "0s"),
        ("1m30s", "90s"),
        ("2h", "7200s"),
        ("250ms", "0.250s"),
        ("0.5s", "0.500s"),
        ("1.5h", "5400s"),
        ("10us", "0.000010s"),
        ("1ns", "0.000000001s"),
        ("-3s", "-3s"),
        (".25s", "0.250s"),
    ],
)
def test_printed_as_seconds(written: str, printed: str) -> None:
    """Every notation that Istio reads is printed as proto-JSON prints seconds."""
    assert duration(written) == printed


@pytest.mark.parametrize("text", ["", "5", "s", "5 s", "five", "5d", "1s2"])
def test_refuses_what_is_no_duration(text: str) -> None:
    """A text that Go does not read as a duration is an error, not zero."""
    with pytest.raises(ValueError, match="not a duration"):
        nanoseconds(text)
