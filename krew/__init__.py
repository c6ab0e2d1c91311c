"""Packaging for krew: self-contained archives, the plugin's manifest, a custom index. See README.md here."""
