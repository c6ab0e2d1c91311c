"""What istiod's validation webhook says of a resource: Istio's own rules.

Follows istio: pkg/config/validation. Each module holds the rules of one kind, as generators of problems in the order
in which Istio finds them.
"""
