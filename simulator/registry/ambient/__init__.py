"""Ambient mode: waypoints and what they capture (istiod: pilot/pkg/serviceregistry/ambient)."""
