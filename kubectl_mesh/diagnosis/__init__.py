"""MeshSource → Report: one module per question the user asks."""
