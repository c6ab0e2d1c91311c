"""UpstreamTlsContext: certificates, validation, SNI and ALPN of connections to endpoints.

istiod: pilot/pkg/networking/core/cluster_tls.go (buildUpstreamClusterTLSContext, constructUpstreamTLS),
pilot/pkg/security/model/authentication.go, pkg/model/authentication.go, pkg/model/fips.go.
"""

from collections.abc import Sequence
from functools import cache

from simulator.model.wire import Json
from simulator.registry.snapshot import Snapshot
from simulator.xds.clients import Client
from simulator.xds.cluster_draft import ClusterDraft
from simulator.xds.envoy_messages import exact_matches
from simulator.xds.view import Shared

SDS_CLUSTER = "sds-grpc"
SDS_FILE_CLUSTER = "sds-files-grpc"
SDS_EXTERNAL_CLUSTER = "sds-external"
ADS_CONFIG: Json = {"ads": {}, "resource_api_version": "V3"}
_EXTERNAL_PREFIX = "sds://"
_EXPLICIT_PREFIXES = ("configmap://", "kubernetes://", "kubernetes-gateway://")
_INVALID_PREFIX = "invalid://"  # of a BackendTLSPolicy whose authority cannot be read: nothing may pass
_FIPS_CIPHERS = frozenset(
    {
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
    }
)


def istio_context(shared: Shared, draft: ClusterDraft, settings: Json) -> Json:
    """Return the context of Istio mTLS: the workload's certificate, the mesh's root, the service's accounts."""
    if draft.dynamic_forward_proxy:
        set_auto_sni(draft, settings)
    common = shared(istio_common_context, tuple(settings.get("subjectAltNames") or ()), draft.explicit_http2)
    sni = settings.get("sni") or ("" if draft.dynamic_forward_proxy else draft.cluster["name"])
    return {"common_tls_context": common, **({"sni": sni} if sni else {})}


def istio_common_context(snapshot: Snapshot, accounts: tuple[str, ...], http2: bool) -> Json:
    """Return what Istio mTLS to a service has in common, whichever of its clusters it is."""
    return {
        "tls_params": _parameters(snapshot),
        "alpn_protocols": _mesh_alpn(snapshot, http2=http2),
        "tls_certificate_sds_secret_configs": [sds_secret("default")],
        "combined_validation_context": {
            "default_validation_context": _names(accounts),
            "validation_context_sds_secret_config": sds_secret("ROOTCA"),
        },
    }


def user_context(
    snapshot: Snapshot, draft: ClusterDraft, *, settings: Json, client: Client, accounts: Sequence[str]
) -> Json | None:
    """Return the context of TLS that a rule describes; None when it is not usable (certificates missing)."""
    set_auto_sni(draft, settings)
    names = settings.get("subjectAltNames") or accounts
    common: Json = {"tls_params": _user_parameters(snapshot)}
    if settings.get("credentialName"):
        _add_credential(common, settings, names, client)
    elif not _add_files(common, settings, names, client):
        return None
    if draft.explicit_http2:
        common["alpn_protocols"] = ["h2"]
    return {"common_tls_context": common, **({"sni": settings["sni"]} if settings.get("sni") else {})}


def set_auto_sni(draft: ClusterDraft, settings: Json) -> None:
    """Take SNI, and the name to verify, from the request where the rule names none."""
    insecure = bool(settings.get("insecureSkipVerify"))
    automatic = not settings.get("sni")
    verify = not insecure and (draft.dynamic_forward_proxy or (automatic and not settings.get("subjectAltNames")))
    if draft.dynamic_forward_proxy and not (automatic and verify):
        draft.cluster["cluster_type"]["typed_config"]["allow_insecure_cluster_options"] = True
    if automatic or verify:
        options = draft.http_options().setdefault("upstream_http_protocol_options", {})
        if automatic:
            options["auto_sni"] = True
        if verify:
            options["auto_san_validation"] = True


@cache
def sds_secret(name: str, cluster: str = SDS_CLUSTER) -> Json:
    """Return the reference to a secret that the proxy's agent serves."""
    config: Json = {
        "api_config_source": {
            "api_type": "GRPC",
            "transport_api_version": "V3",
            "grpc_services": [{"envoy_grpc": {"cluster_name": cluster}}],
            "set_node_on_first_message_only": True,
        },
        "resource_api_version": "V3",
    }
    if name in ("default", "ROOTCA"):
        config["initial_fetch_timeout"] = "0s"
    return {"name": name, "sds_config": config}


def credential_secret(name: str, *, socket: bool) -> Json:
    """Return the reference to a secret named by `credentialName`; `socket`: the node has its own secret server."""
    if name.startswith("builtin://"):
        return sds_secret("ROOTCA" if name.endswith("-cacert") else "default")
    if name.startswith(_EXTERNAL_PREFIX):
        if socket:
            return sds_secret(name, SDS_EXTERNAL_CLUSTER)
        name = name.removeprefix(_EXTERNAL_PREFIX)
    if name.startswith(_INVALID_PREFIX):
        name = _INVALID_PREFIX
    elif not name.startswith(_EXPLICIT_PREFIXES):
        name = f"kubernetes://{name}"
    return {"name": name, "sds_config": ADS_CONFIG}


def _add_credential(common: Json, settings: Json, names: Sequence[str], client: Client) -> None:
    credential = settings["credentialName"]
    if settings.get("mode") == "MUTUAL":
        common["tls_certificate_sds_secret_configs"] = [credential_secret(credential, socket=client.credential_socket)]
    if not settings.get("insecureSkipVerify"):
        common["combined_validation_context"] = {
            "default_validation_context": _names(names),
            "validation_context_sds_secret_config": credential_secret(
                f"{credential}-cacert", socket=client.credential_socket
            ),
        }


def _add_files(common: Json, settings: Json, names: Sequence[str], client: Client) -> bool:
    cluster = SDS_FILE_CLUSTER if client.file_credential_socket else SDS_CLUSTER
    if settings.get("mode") == "MUTUAL":
        certificate, key = settings.get("clientCertificate"), settings.get("privateKey")
        if not certificate or not key:
            return False
        common["tls_certificate_sds_secret_configs"] = [sds_secret(f"file-cert:{certificate}~{key}", cluster)]
    if settings.get("insecureSkipVerify"):
        common["validation_context"] = {}
        return True
    validation = _names(names)
    if settings.get("caCrl"):
        validation["crl"] = {"filename": settings["caCrl"]}
    common["combined_validation_context"] = {
        "default_validation_context": validation,
        "validation_context_sds_secret_config": sds_secret(
            f"file-root:{settings.get('caCertificates') or 'system'}", cluster
        ),
    }
    return True


def _names(names: Sequence[str]) -> Json:
    return {"match_subject_alt_names": exact_matches(names)} if names else {}


def _mesh_alpn(snapshot: Snapshot, *, http2: bool) -> list[str]:
    exchange = snapshot.flag("PILOT_ENABLE_METADATA_EXCHANGE", default=True) and not snapshot.flag(
        "PILOT_DISABLE_MX_ALPN", default=False
    )
    return [
        *(["istio-peer-exchange"] if exchange else []),
        "istio",
        *(["h2"] if http2 else []),
    ]


def _parameters(snapshot: Snapshot) -> Json:
    versions = {"fips-140-2": ("TLSv1_2", "TLSv1_2"), "pqc": ("TLSv1_3", "TLSv1_3")}
    lowest, highest = versions.get(snapshot.flags.get("COMPLIANCE_POLICY", ""), ("TLSv1_2", "TLSv1_3"))
    return {"tls_minimum_protocol_version": lowest, "tls_maximum_protocol_version": highest}


def _user_parameters(snapshot: Snapshot) -> Json:
    parameters, defaults = _parameters(snapshot), snapshot.mesh.get("tlsDefaults") or {}
    fips = snapshot.flags.get("COMPLIANCE_POLICY") == "fips-140-2"
    if defaults.get("ecdhCurves") and not fips:
        parameters["ecdh_curves"] = list(defaults["ecdhCurves"])
    ciphers = [cipher for cipher in defaults.get("cipherSuites") or () if not fips or cipher in _FIPS_CIPHERS]
    if ciphers:
        parameters["cipher_suites"] = ciphers
    return parameters
