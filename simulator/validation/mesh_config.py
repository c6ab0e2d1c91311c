"""Rules of the MeshConfig that decide whether proxies start. istio: pkg/config/validation/agent/validation.go."""

from collections import Counter
from collections.abc import Sequence

from simulator.model.go_text import quote
from simulator.model.resources import Resource
from simulator.model.wire import Json
from simulator.validation import names
from simulator.validation.locality import locality
from simulator.validation.problems import Problems, at, error, warning

_CURVES = frozenset({"P-224", "P-256", "P-384", "P-521", "X25519", "X25519Kyber768Draft00", "X25519MLKEM768"})
_LONGEST_CONNECT = 3_600_000
_OLD_ALLOCATION = "ISTIO_META_DNS_AUTO_ALLOCATE"
_ABOUT_ALLOCATION = (
    "https://istio.io/latest/docs/ops/configuration/traffic-management/dns-proxy/#dns-auto-allocation-v2"
)


def validate(resource: Resource) -> Problems:
    """Check a MeshConfig into which istiod's defaults are merged."""
    return at(("spec",), _mesh(resource.spec))


def _mesh(mesh: Json) -> Problems:
    if mesh.get("proxyListenPort") is not None:
        yield from _prefixed("invalid proxy listen port:", names.port(mesh["proxyListenPort"]), "proxyListenPort")
    if mesh.get("connectTimeout") is not None:
        yield from _prefixed("invalid connect timeout:", _connect_timeout(mesh["connectTimeout"]), "connectTimeout")
    yield from at(("defaultConfig",), _proxy(mesh.get("defaultConfig") or {}))
    yield from at(("localityLbSetting",), locality(mesh.get("localityLbSetting"), has_outlier_detection=True))
    for number, settings in enumerate(mesh.get("serviceSettings") or ()):
        for host in settings.get("hosts") or ():
            if problem := names.domain_problem(host, wildcard=True):
                yield error(f"serviceSettings[{number}], host `{host}`: {problem}", "serviceSettings", number)
    yield from _trust_domains(mesh)
    if (mesh.get("meshMTLS") or {}).get("ecdhCurves") is not None:
        yield error("mesh TLS does not support ECDH curves configuration", "meshMTLS", "ecdhCurves")
    yield from at(("tlsDefaults", "ecdhCurves"), _curves((mesh.get("tlsDefaults") or {}).get("ecdhCurves") or ()))


def _connect_timeout(text: str) -> Problems:
    found = list(names.duration(text))
    yield from found
    amount = names.milliseconds(text)
    if not found and amount is not None and amount > _LONGEST_CONNECT:
        minutes, seconds = divmod(amount / 1000, 60)
        written = f"{minutes // 60:g}h{minutes % 60:g}m{seconds:g}s"
        yield error(f"time {written} must be >1ms and <1h0m0s")


def _curves(curves: Sequence[str]) -> Problems:
    counted = Counter(curve for curve in curves if curve)
    for what, found in (
        ("unrecognized", {curve for curve in counted if curve not in _CURVES}),
        ("duplicate", {curve for curve, count in counted.items() if count > 1 and curve in _CURVES}),
    ):
        if found:
            yield warning(f"detected {what} ECDH curves: [{' '.join(sorted(found))}]")


def _prefixed(prefix: str, problems: Problems, field: str) -> Problems:
    return (error(f"{prefix} {problem.text}", field) for problem in problems)


def _trust_domains(mesh: Json) -> Problems:
    if problem := _trust_domain_problem(mesh.get("trustDomain") or ""):
        yield error(f"trustDomain: {problem}", "trustDomain")
    for number, alias in enumerate(mesh.get("trustDomainAliases") or ()):
        if problem := _trust_domain_problem(alias):
            yield error(f"trustDomainAliases[{number}], domain `{alias}` : {problem}", "trustDomainAliases", number)


def _trust_domain_problem(domain: str) -> str:
    if not domain:
        return "empty domain name not allowed"
    labels = domain.removesuffix(".").split(".")
    return "" if all(map(names.is_label, labels)) else f"trust domain name {quote(domain)} invalid"


def _proxy(proxy: Json) -> Problems:
    if _OLD_ALLOCATION in (proxy.get("proxyMetadata") or {}):
        yield warning(
            f"'{_OLD_ALLOCATION}' is deprecated; review {_ABOUT_ALLOCATION} for information about replacement "
            "functionality",
            "proxyMetadata",
            _OLD_ALLOCATION,
        )
    for field, name in (("proxyAdminPort", "proxy admin port"), ("statusPort", "status port")):
        if proxy.get(field) is not None:
            yield from _prefixed(f"invalid {name}:", names.port(proxy[field]), field)
