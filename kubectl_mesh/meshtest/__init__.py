"""Traffic as tests: what requests must meet, written down and judged without a cluster."""
