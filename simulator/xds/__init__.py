"""Snapshot × Proxy → Envoy resources in proto-JSON, as istiod 1.30 generates them."""
