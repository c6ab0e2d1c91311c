"""What istiod and the proxies answer on their debug and admin interfaces, computed from a snapshot and config dumps."""
