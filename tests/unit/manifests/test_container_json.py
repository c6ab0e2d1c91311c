"""Containers as the injector writes them into an annotation."""

from simulator.manifests.container_json import printed_containers


def test_fields_come_in_the_order_of_their_type() -> None:
    """The order is Go's at every depth, resources are always written, and empty texts never."""
    container = {
        "image": "",
        "securityContext": {"runAsNonRoot": False, "runAsUser": 7},
        "env": [{"value": "1", "name": "A"}],
        "livenessProbe": {"periodSeconds": 2, "httpGet": {"port": 80, "path": "/"}, "timeoutSeconds": 3},
        "resources": {"requests": {"memory": "1024Mi", "cpu": "1000m"}},
        "name": "istio-proxy",
    }
    assert printed_containers({"containers": [container], "initContainers": [{"name": "istio-init"}]}) == (
        '{"containers":[{"name":"istio-proxy","env":[{"name":"A","value":"1"}],'
        '"resources":{"requests":{"cpu":"1","memory":"1Gi"}},'
        '"livenessProbe":{"httpGet":{"path":"/","port":80},"timeoutSeconds":3,"periodSeconds":2},'
        '"securityContext":{"runAsUser":7,"runAsNonRoot":false}}],'
        '"initContainers":[{"name":"istio-init","resources":{}}]}'
    )
