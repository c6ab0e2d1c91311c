"""What a change does: two meshes compared, in configuration and in what becomes of requests."""
