"""HTTPRetry → RetryPolicy (istiod: pilot/pkg/networking/core/route/retry/retry.go)."""

from http import HTTPStatus

from simulator.model.wire import Json
from simulator.xds.durations import duration

_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
_PREVIOUS_HOSTS: Json = {
    "name": "envoy.retry_host_predicates.previous_hosts",
    "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    },
}
_PREVIOUS_PRIORITIES: Json = {
    "name": "envoy.retry_priorities.previous_priorities",
    "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
        "update_frequency": 2,
    },
}
_CODES = frozenset(status.value for status in HTTPStatus) - {306, 419, 420}


def retry_policy(retries: Json | None, *, hashed: bool = False) -> Json | None:
    """Translate a retry policy; None stands for istiod's default, and the result None for no retries.

    With a consistent hash the next attempt has to reach the same host, so earlier hosts are not avoided.
    """
    if retries is None:
        return _default(hashed=hashed)
    attempts = int(retries.get("attempts") or 0)
    if attempts <= 0:
        return None
    policy = _default(hashed=hashed) | {"num_retries": attempts}
    if retries.get("retryOn"):
        policy |= _conditions(retries["retryOn"])
    if retries.get("perTryTimeout"):
        policy["per_try_timeout"] = duration(retries["perTryTimeout"])
    ignore_previous = retries.get("retryIgnorePreviousHosts")
    if ignore_previous is not None:
        policy.pop("retry_host_predicate", None)
        if ignore_previous:
            policy["retry_host_predicate"] = [_PREVIOUS_HOSTS]
    if retries.get("retryRemoteLocalities"):
        policy["retry_priority"] = _PREVIOUS_PRIORITIES
    if retries.get("backoff"):
        policy["retry_back_off"] = {"base_interval": duration(retries["backoff"])}
    return policy


def _default(*, hashed: bool) -> Json:
    policy: Json = {"num_retries": 2, "retry_on": _RETRY_ON, "host_selection_retry_max_attempts": "5"}
    if not hashed:
        policy["retry_host_predicate"] = [_PREVIOUS_HOSTS]
    return policy


def _conditions(text: str) -> Json:
    """Tell numeric status codes from Envoy's own conditions."""
    parts = [part for part in (piece.strip() for piece in text.split(",")) if part]
    codes = [int(part) for part in parts if _is_code(part)]
    joined = ",".join(part for part in parts if not _is_code(part))
    if not codes:
        return {"retry_on": joined}
    if "retriable-status-codes" not in joined:
        joined += ",retriable-status-codes"
    return {"retry_on": joined, "retriable_status_codes": codes}


def _is_code(part: str) -> bool:
    return part.lstrip("+").isdigit() and int(part) in _CODES
