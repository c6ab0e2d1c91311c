"""Configuration checks: what would break, where it is written, and how to fix it."""
