"""Chain the decisions of single proxies into the path of a request."""
