"""Kubernetes manifests → resources: reading, defaulting, workload expansion, injection."""
