"""Where a mesh can be seen: live, simulated or recorded."""
