"""Rules of traffic policies: connection pools, outlier detection, load balancing, TLS towards servers.

istio: validateTrafficPolicy in pkg/config/validation/validation.go, ValidateTLS in agent/validation.go.
"""

from itertools import count, takewhile

from simulator.model.addresses import is_address
from simulator.model.go_text import quote
from simulator.model.wire import Json
from simulator.validation import names
from simulator.validation.locality import locality
from simulator.validation.problems import Problems, at, error, errors_only, warning

_PARTS = ("outlierDetection", "connectionPool", "loadBalancer", "tls")
_MORE_PARTS = ("portLevelSettings", "tunnel", "proxyProtocol", "retryBudget")
_LARGEST_TABLE = 5000011
_CONFIG_MAP = "configmap://"


def traffic_policy(namespace: str, policy: Json | None) -> Problems:
    """Check a DestinationRule's or a subset's traffic policy."""
    if policy is None:
        return
    if all(policy.get(part) in (None, []) for part in (*_PARTS, *_MORE_PARTS)):
        yield error("traffic policy must have at least one field")
        return
    if policy.get("tunnel") is not None and policy.get("proxyProtocol") is not None:
        yield error("tunnel and proxyProtocol must not be set together", "tunnel")
        return
    yield from _settings(namespace, policy)
    for number, port in enumerate(policy.get("portLevelSettings") or ()):
        yield from at(("portLevelSettings", number), errors_only(_port_policy(namespace, port)))
    yield from at(("tunnel",), _tunnel(policy.get("tunnel")))


def _settings(namespace: str, policy: Json) -> Problems:
    outlier = policy.get("outlierDetection")
    yield from at(("outlierDetection",), _outlier_detection(outlier))
    yield from at(("connectionPool",), connection_pool(policy.get("connectionPool")))
    balancer = _load_balancer(policy.get("loadBalancer"), has_outlier_detection=outlier is not None)
    yield from at(("loadBalancer",), balancer)
    yield from at(("tls",), client_tls(namespace, policy.get("tls")))


def _port_policy(namespace: str, policy: Json) -> Problems:
    if policy.get("port") is None:
        yield error("portTrafficPolicy must have valid port")
    if all(policy.get(part) is None for part in _PARTS):
        yield error("port traffic policy must have at least one field")
    else:
        yield from _settings(namespace, policy)


def _tunnel(tunnel: Json | None) -> Problems:
    if tunnel is None:
        return
    if tunnel.get("protocol") not in (None, "", "CONNECT", "POST"):
        yield error('tunnel protocol must be "CONNECT" or "POST"', "protocol")
    host = tunnel.get("targetHost") or ""
    problem = names.domain_problem(host, wildcard=False)
    if problem and not is_address(host):
        yield error(
            f"tunnel target host must be valid FQDN or IP address: {problem}; {host} is not a valid IP", "targetHost"
        )
    for found in names.port(tunnel.get("targetPort") or 0):
        yield error(f"tunnel target port is invalid: {found.text}", "targetPort")


def _outlier_detection(outlier: Json | None) -> Problems:
    if outlier is None:
        return
    if outlier.get("baseEjectionTime") is not None:
        yield from at(("baseEjectionTime",), names.duration(outlier["baseEjectionTime"]))
    if outlier.get("consecutiveErrors"):
        yield warning(
            "outlier detection consecutive errors is deprecated, use consecutiveGatewayErrors or consecutive5xxErrors "
            "instead",
            "consecutiveErrors",
        )
    if not outlier.get("splitExternalLocalOriginErrors") and (outlier.get("consecutiveLocalOriginFailures") or 0) > 0:
        yield error(
            "outlier detection consecutive local origin failures is specified, but split external local origin errors "
            "is set to false",
            "consecutiveLocalOriginFailures",
        )
    if outlier.get("interval") is not None:
        yield from at(("interval",), names.duration(outlier["interval"]))
    for field in ("maxEjectionPercent", "minHealthPercent"):
        if not 0 <= (outlier.get(field) or 0) <= 100:
            yield error(f"percentage {outlier[field]} is not in range 0..100", field)


_HTTP_COUNTS = (
    ("http1MaxPendingRequests", "http1 max pending requests"),
    ("http2MaxRequests", "http2 max requests"),
    ("maxRequestsPerConnection", "max requests per connection"),
    ("maxRetries", "max retries"),
)


def connection_pool(pool: Json | None) -> Problems:
    """Check a connection pool."""
    if pool is None:
        return
    http, tcp = pool.get("http"), pool.get("tcp")
    if http is None and tcp is None:
        yield error("connection pool must have at least one field")
        return
    if http is not None:
        yield from at(("http",), _http_pool(http))
    if tcp is not None:
        yield from at(("tcp",), _tcp_pool(tcp))


def _http_pool(http: Json) -> Problems:
    for field, name in _HTTP_COUNTS:
        if (http.get(field) or 0) < 0:
            yield error(f"{name} must be non-negative", field)
    if http.get("idleTimeout") is not None:
        yield from at(("idleTimeout",), names.duration(http["idleTimeout"]))
    if http.get("h2UpgradePolicy") == "UPGRADE" and http.get("useClientProtocol"):
        yield error("use client protocol must not be true when H2UpgradePolicy is UPGRADE", "useClientProtocol")
    if (http.get("maxConcurrentStreams") or 0) < 0:
        yield error("max concurrent streams must be non-negative", "maxConcurrentStreams")


def _tcp_pool(tcp: Json) -> Problems:
    if (tcp.get("maxConnections") or 0) < 0:
        yield error("max connections must be non-negative", "maxConnections")
    for field in ("connectTimeout", "maxConnectionDuration"):
        if tcp.get(field) is not None:
            yield from at((field,), names.duration(tcp[field]))
    yield from at(("idleTimeout",), names.any_duration(tcp.get("idleTimeout")))
    if int(names.milliseconds(tcp.get("idleTimeout")) or 0):
        yield from at(("idleTimeout",), names.duration(tcp["idleTimeout"]))
    keepalive = tcp.get("tcpKeepalive") or {}
    for field in ("time", "interval"):
        if keepalive.get(field) is not None:
            yield from at(("tcpKeepalive", field), names.duration(keepalive[field]))


def _load_balancer(settings: Json | None, *, has_outlier_detection: bool) -> Problems:
    if settings is None:
        return
    if settings.get("consistentHash") is not None:
        yield from at(("consistentHash",), _consistent_hash(settings["consistentHash"]))
    found = locality(settings.get("localityLbSetting"), has_outlier_detection=has_outlier_detection)
    yield from at(("localityLbSetting",), found)
    if settings.get("warmup") is not None:
        yield from at(("warmup",), _warmup(settings["warmup"]))
    yield from at(("warmupDurationSecs",), names.any_duration(settings.get("warmupDurationSecs")))


def _consistent_hash(settings: Json) -> Problems:
    cookie = settings.get("httpCookie")
    if cookie is not None:
        if not cookie.get("name"):
            yield error("name required for HttpCookie", "httpCookie")
        yield from at(("httpCookie", "ttl"), names.any_duration(cookie.get("ttl")))
        yield from _cookie_attributes(cookie)
    if settings.get("minimumRingSize"):
        yield warning(
            "consistent hash MinimumRingSize is deprecated, use ConsistentHashLB's RingHash configuration instead",
            "minimumRingSize",
        )
        if settings.get("ringHash") is not None or settings.get("maglev") is not None:
            yield error("only one of MinimumRingSize or Maglev/Ringhash can be specified", "minimumRingSize")
    if settings.get("maglev") is not None:
        yield from _maglev(int(settings["maglev"].get("tableSize") or 0))


def _cookie_attributes(cookie: Json) -> Problems:
    seen: set[str] = set()
    for attribute in cookie.get("attributes") or ():
        name = attribute.get("name") or ""
        if not name:
            yield error("cookie attribute name cannot be empty", "httpCookie", "attributes")
        elif name in seen:
            yield error(f"duplicate cookie attribute name: {name}", "httpCookie", "attributes")
        seen.add(name)


def _maglev(size: int) -> Problems:
    if size == 0:
        yield error("tableSize must be set for maglev", "maglev")
    if size >= _LARGEST_TABLE:
        yield error(f"tableSize must be less than {_LARGEST_TABLE} for maglev", "maglev", "tableSize")
    if not _is_prime(size):
        yield error("tableSize must be a prime number for maglev", "maglev", "tableSize")


def _is_prime(number: int) -> bool:
    """Tell whether Envoy accepts a number as prime, which includes 1."""
    if number in (1, 2, 3):
        return True
    return number % 2 == 1 and all(number % factor for factor in takewhile(lambda f: f * f <= number, count(3, 2)))


def _warmup(warmup: Json) -> Problems:
    if warmup.get("duration") is None:
        yield error("duration is required")
    else:
        yield from at(("duration",), names.duration(warmup["duration"]))
    if (warmup.get("minimumPercent") or 0) > 100:
        yield error("minimumPercent value should be less than or equal to 100", "minimumPercent")
    if warmup.get("aggression") is not None and warmup["aggression"] < 1:
        yield error("aggression should be greater than or equal to 1", "aggression")


def client_tls(namespace: str, tls: Json | None) -> Problems:
    """Check TLS towards a server."""
    if tls is None:
        return
    mode, credential = tls.get("mode") or "DISABLE", tls.get("credentialName") or ""
    if credential.startswith(_CONFIG_MAP):
        yield from at(("credentialName",), _config_map(namespace, credential))
    if tls.get("insecureSkipVerify"):
        yield from _unverified(tls, mode)
    if mode in ("SIMPLE", "MUTUAL") and credential:
        if any(tls.get(field) for field in ("clientCertificate", "caCertificates", "privateKey", "caCrl")):
            text = "cannot specify client certificates or CA certificate or CA CRL If credentialName is set"
            yield error(text, "credentialName")
        return
    if mode == "MUTUAL":
        if not tls.get("clientCertificate"):
            yield error("client certificate required for mutual tls")
        if not tls.get("privateKey"):
            yield error("private key required for mutual tls")


def _config_map(namespace: str, name: str) -> Problems:
    parts = name.removeprefix(_CONFIG_MAP).split("/")
    if len(parts) != 2:
        text = f"invalid resource name {quote(name)}. Expected namespace and name"
        yield error(f"invalid configmap:// credentialName: {text}")
    elif parts[0] != namespace or not namespace:
        yield error(
            "invalid configmap:// credentialName: namespace must match the configuration namespace " + quote(namespace)
        )


def _unverified(tls: Json, mode: str) -> Problems:
    clashes = {
        "SIMPLE": ("CaCertificates", "CredentialName", "SubjectAltNames"),
        "MUTUAL": ("CaCertificates", "SubjectAltNames"),
    }
    fields = clashes.get(mode, ())
    if any(tls.get(field[0].lower() + field[1:]) for field in fields):
        yield error(f"cannot specify {' or '.join(fields)} when InsecureSkipVerify is set true", "insecureSkipVerify")
