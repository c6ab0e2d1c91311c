"""The debug interface of istiod and the admin interfaces of proxies, computed from a snapshot and config dumps."""
