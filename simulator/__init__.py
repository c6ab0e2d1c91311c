"""The engine: Istio control plane and Envoy data plane computed from manifests, with no terminal and no cluster."""
