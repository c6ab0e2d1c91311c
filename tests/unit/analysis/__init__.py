"""Analyzers over small manifests."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from textwrap import dedent

import pytest

from kubectl_mesh.analysis.finding import Finding
from kubectl_mesh.analysis.messages import text
from kubectl_mesh.analysis.registry import analyzers
from kubectl_mesh.analysis.runner import in_order
from kubectl_mesh.analysis.world import World, world_of
from simulator.manifests import parse_manifests
from simulator.model.wire import Json
from simulator.registry.mesh_config import apply_mesh_config, default_mesh_config

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def world(*manifests: str, mesh: Json | None = None) -> World:
    """Return the world of some manifests."""
    resources = parse_manifests("\n---\n".join(map(dedent, manifests)))
    return replace(world_of(resources, mesh=apply_mesh_config(default_mesh_config(), mesh or {})), now=NOW)


def findings(name: str, *manifests: str, mesh: Json | None = None) -> tuple[Finding, ...]:
    """Return what one analyzer finds in some manifests."""
    return in_order(analyzers()[name].analyze(world(*manifests, mesh=mesh)))


def found(name: str, *manifests: str, mesh: Json | None = None) -> list[str]:
    """Return what one analyzer finds, as `CODE name: text`."""
    given = findings(name, *manifests, mesh=mesh)
    return [f"{each.code} {each.resource.name if each.resource else ''}: {text(each)}" for each in given]


def codes(name: str, *manifests: str, mesh: Json | None = None) -> list[str]:
    """Return the codes that one analyzer finds, with the names of their resources."""
    given = findings(name, *manifests, mesh=mesh)
    return [f"{each.code} {each.resource.name if each.resource else ''}" for each in given]


def service(name: str, *, ports: str = "{name: http, port: 80}", namespace: str = "shop", more: str = "") -> str:
    """Return a Service that selects `app: NAME`."""
    return f"""
    apiVersion: v1
    kind: Service
    metadata: {{name: {name}, namespace: {namespace}{more}}}
    spec: {{selector: {{app: {name}}}, ports: [{ports}]}}
    """


def deployment(name: str, *, labels: str = "", namespace: str = "shop", spec: str = "") -> str:
    """Return a Deployment of pods with `app: NAME` and more labels."""
    return f"""
    apiVersion: apps/v1
    kind: Deployment
    metadata: {{name: {name}, namespace: {namespace}}}
    spec:
      selector: {{matchLabels: {{app: {name}}}}}
      template:
        metadata: {{labels: {{app: {name}{labels}}}}}
        spec: {{containers: [{{name: main, image: main}}], serviceAccountName: {name}{spec}}}
    """


def pod(name: str, *, labels: str = "", namespace: str = "shop", annotations: str = "", spec: str = "") -> str:
    """Return a Pod with `app: NAME` and a proxy."""
    containers = "[{name: main, image: main}, {name: istio-proxy, image: proxy}]"
    return f"""
    apiVersion: v1
    kind: Pod
    metadata: {{name: {name}, namespace: {namespace}, labels: {{app: {name}{labels}}}, annotations: {{{annotations}}}}}
    spec: {{containers: {containers}{spec}}}
    """


def resource(kind: str, name: str, spec: str, *, namespace: str = "shop", more: str = "") -> str:
    """Return a resource of Istio's or the Gateway API's with a spec in flow style."""
    groups = {
        "VirtualService": "networking.istio.io/v1",
        "DestinationRule": "networking.istio.io/v1",
        "Gateway": "networking.istio.io/v1",
        "ServiceEntry": "networking.istio.io/v1",
        "Sidecar": "networking.istio.io/v1",
        "EnvoyFilter": "networking.istio.io/v1alpha3",
        "AuthorizationPolicy": "security.istio.io/v1",
        "PeerAuthentication": "security.istio.io/v1",
        "RequestAuthentication": "security.istio.io/v1",
        "Telemetry": "telemetry.istio.io/v1",
        "HTTPRoute": "gateway.networking.k8s.io/v1",
        "ReferenceGrant": "gateway.networking.k8s.io/v1beta1",
    }
    return f"""
    apiVersion: {groups[kind]}
    kind: {kind}
    metadata: {{name: {name}, namespace: {namespace}{more}}}
    spec: {spec}
    """


def namespace(name: str, labels: str = "istio-injection: enabled") -> str:
    """Return a Namespace."""
    return f"""
    apiVersion: v1
    kind: Namespace
    metadata: {{name: {name}, labels: {{{labels}}}}}
    """


def secret(certificate: bytes) -> str:
    """Return a Secret `cert` with a certificate, in flow style."""
    data = {"tls.crt": base64.b64encode(certificate).decode(), "tls.key": "a2V5"}
    return f"{{apiVersion: v1, kind: Secret, metadata: {{name: cert, namespace: shop}}, data: {data}}}"


def certificate(until: datetime) -> bytes:
    """Return a certificate that is valid from 2020 on, as PEM."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(until)
    signed: bytes = builder.sign(key, SHA256()).public_bytes(Encoding.PEM)
    return signed
