"""Resources → istiod's view of the mesh, held in one immutable Snapshot."""
