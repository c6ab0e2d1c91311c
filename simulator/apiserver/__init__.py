"""A Kubernetes API server on loopback that serves manifests, as far as kubectl, client libraries and istioctl need it.

`scaffold` answers what every API server answers (versions, discovery, health), `emulator` requests on objects,
`machines` requests to the ports of pods. aiohttp and grpc (the extra `serve`) are imported when a server is started.
"""
