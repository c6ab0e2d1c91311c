"""A Kubernetes API server on loopback, made of manifests: what kubectl, client libraries and istioctl need of one.

`scaffold` answers what every API server answers (versions, discovery, OpenAPI); `emulator` answers for objects; `pods`
answers what lies behind a pod's ports. aiohttp and grpc (the extra `serve`) are imported when a server is started.
"""
