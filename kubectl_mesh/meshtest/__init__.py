"""Traffic tests: expectations about requests in a mesh, checked without a cluster."""
