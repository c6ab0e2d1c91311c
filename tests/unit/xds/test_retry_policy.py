from typing import Any

import pytest

from simulator.xds.retry_policy import retry_policy


def test_default_avoids_hosts_that_failed() -> None:
    """Without a policy there are two retries on another host."""
    policy = retry_policy(None)
    assert policy is not None
    assert policy["num_retries"] == 2
    assert policy["retry_host_predicate"]
    assert "retriable_status_codes" not in policy


def test_consistent_hash_keeps_the_host() -> None:
    """With consistent hashing a retry must reach the same host."""
    policy = retry_policy(None, hashed=True)
    assert policy is not None
    assert "retry_host_predicate" not in policy


@pytest.mark.parametrize("retries", [{}, {"attempts": 0}, {"attempts": -1, "retryOn": "5xx"}])
def test_no_attempts_is_no_policy(retries: dict[str, Any]) -> None:
    """A policy without attempts turns retries off."""
    assert retry_policy(retries) is None


@pytest.mark.parametrize(
    ("retry_on", "conditions", "codes"),
    [
        ("5xx,reset", "5xx,reset", None),
        ("503, gateway-error", "gateway-error,retriable-status-codes", [503]),
        ("429,503", ",retriable-status-codes", [429, 503]),
        ("retriable-status-codes,502", "retriable-status-codes", [502]),
        ("999", "999", None),
    ],
)
def test_status_codes_among_conditions(retry_on: str, conditions: str, codes: list[int] | None) -> None:
    """HTTP status codes are separated from Envoy's conditions, which then include codes; other numbers stay."""
    policy = retry_policy({"attempts": 1, "retryOn": retry_on})
    assert policy is not None
    assert policy["retry_on"] == conditions
    assert policy.get("retriable_status_codes") == codes


def test_all_fields() -> None:
    """Timeout, back-off, other localities and previous hosts are copied."""
    policy = retry_policy(
        {
            "attempts": 3,
            "perTryTimeout": "250ms",
            "backoff": "1s",
            "retryRemoteLocalities": True,
            "retryIgnorePreviousHosts": False,
        }
    )
    assert policy is not None
    assert policy["per_try_timeout"] == "0.250s"
    assert policy["retry_back_off"] == {"base_interval": "1s"}
    assert policy["retry_priority"]["typed_config"]["update_frequency"] == 2
    assert "retry_host_predicate" not in policy
