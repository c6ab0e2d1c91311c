"""Sets of requests: what a match accepts, shown by requests that it accepts."""
