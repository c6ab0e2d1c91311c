"""The errors and warnings of istiod's validation webhook: Istio's own rules.

Follows istio: pkg/config/validation. Each module holds the rules of one kind, as generators of problems in the order
in which Istio finds them.
"""
