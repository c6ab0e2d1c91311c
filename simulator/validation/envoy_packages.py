"""Packages whose messages istiod can resolve, but whose types are not in `simulator/model/envoy_schema.json`.

istio: pkg/config/xds/filter_types.gen.go. Most are Envoy's contrib extensions; their messages are not checked.
"""

import re

from simulator.model.envoy_types import knows

_NAMES = """
extensions.access_loggers.dynamic_modules.v3 extensions.bootstrap.dynamic_modules.v3
extensions.clusters.common.dns.v3 extensions.clusters.composite.v3 extensions.clusters.dynamic_modules.v3
extensions.clusters.mcp_multicluster.v3 extensions.compression.qatzip.compressor.v3alpha
extensions.compression.qatzstd.compressor.v3alpha extensions.config.v3alpha extensions.content_parsers.json.v3
extensions.filters.http.a2a.v3 extensions.filters.http.checksum.v3alpha extensions.filters.http.dynamo.v3
extensions.filters.http.file_server.v3 extensions.filters.http.golang.v3alpha
extensions.filters.http.language.v3alpha extensions.filters.http.mcp_json_rest_bridge.v3
extensions.filters.http.peak_ewma.v3alpha extensions.filters.http.peer_metadata.v3
extensions.filters.http.sse_to_metadata.v3 extensions.filters.http.sxg.v3alpha
extensions.filters.listener.dynamic_modules.v3 extensions.filters.listener.postgres_inspector.v3alpha
extensions.filters.listener.set_filter_state.v3 extensions.filters.network.client_ssl_auth.v3
extensions.filters.network.dynamic_modules.v3 extensions.filters.network.generic_proxy.codecs.kafka.v3
extensions.filters.network.golang.v3alpha extensions.filters.network.kafka_broker.v3
extensions.filters.network.kafka_mesh.v3alpha extensions.filters.network.metadata_exchange.v3
extensions.filters.network.mysql_proxy.v3 extensions.filters.network.peer_metadata.v3
extensions.filters.network.postgres_proxy.v3alpha extensions.filters.network.rocketmq_proxy.v3
extensions.filters.network.sip_proxy.router.v3alpha extensions.filters.network.sip_proxy.tra.v3alpha
extensions.filters.network.sip_proxy.v3alpha extensions.filters.udp.dynamic_modules.v3
extensions.formatter.file_content.v3 extensions.formatter.generic_secret.v3
extensions.load_balancing_policies.dynamic_modules.v3 extensions.load_balancing_policies.peak_ewma.v3alpha
extensions.load_balancing_policies.random_subsetting.v3 extensions.matching.actions.transform_stat.v3
extensions.matching.http.dynamic_modules.v3 extensions.matching.input_matchers.dynamic_modules.v3
extensions.matching.input_matchers.hyperscan.v3alpha extensions.network.connection_balance.dlb.v3alpha
extensions.network.dns_resolver.hickory.v3 extensions.private_key_providers.cryptomb.v3alpha
extensions.private_key_providers.kae.v3alpha extensions.private_key_providers.qat.v3alpha
extensions.quic.client_writer_factory.v3 extensions.regex_engines.hyperscan.v3alpha
extensions.router.cluster_specifier.golang.v3alpha extensions.stat_sinks.kafka.v3
extensions.tap_sinks.udp_sink.v3alpha extensions.tracers.dynamic_modules.v3
extensions.transport_sockets.tls.cert_mappers.filter_state_override.v3
extensions.transport_sockets.tls.cert_mappers.sni.v3
extensions.transport_sockets.tls.cert_mappers.static_name.v3
extensions.transport_sockets.tls.cert_selectors.on_demand_secret.v3
extensions.transport_sockets.tls.cert_validator.dynamic_modules.v3 extensions.upstreams.http.dynamic_modules.v3
extensions.upstreams.http.tcp.golang.v3alpha extensions.vcl.v3alpha watchdog.v3
"""

OPAQUE_PACKAGES = frozenset(f"envoy.{name}" for name in _NAMES.split())
"""Full names of the packages."""

_OTHERS = """
cel.expr google.api google.api.expr.v1alpha1 google.protobuf io.istio.http.peer_metadata io.prometheus.client
istio.analysis.v1alpha1 istio.envoy.config.filter.http.alpn.v2alpha1 istio.envoy.config.filter.http.jwt_auth.v2alpha1
istio.envoy.config.filter.network.tcp_cluster_rewrite.v2alpha1 istio.extensions.v1alpha1 istio.mesh.v1alpha1
istio.meta.v1alpha1 istio.networking.v1alpha3 istio.networking.v1beta1 istio.security.v1beta1 istio.telemetry.v1alpha1
istio.type.v1beta1 istio.workload opentelemetry.proto.common.v1 stats udpa.annotations validate
"""
_NOT_LINKED = """
envoy.config.cluster.redis envoy.config.filter.network.mysql_proxy.v1alpha1
envoy.config.filter.network.zookeeper_proxy.v1alpha1 envoy.config.grpc_credential.v3
envoy.config.retry.previous_priorities envoy.extensions.filters.http.proto_message_logging.v3
envoy.extensions.injected_credentials.generic.v3 envoy.extensions.injected_credentials.oauth2.v3 envoy.type
envoy.type.matcher
"""
_PACKAGES = OPAQUE_PACKAGES | frozenset(_OTHERS.split())
_MISSING = frozenset(_NOT_LINKED.split())


def is_linked(message: str) -> bool:
    """Tell whether istiod can resolve a message type, by its full name."""
    package = re.split(r"\.(?=[A-Z])", message, maxsplit=1)[0]
    return package in _PACKAGES or (package not in _MISSING and knows(message))
