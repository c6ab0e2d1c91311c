from datetime import UTC, datetime, timedelta

import pytest

from simulator.apiserver.ages import age, human
from simulator.apiserver.columns import built_in
from simulator.apiserver.columns_custom import custom_columns, json_path
from simulator.apiserver.columns_pods import pod_status
from simulator.apiserver.definitions import definitions
from simulator.apiserver.tables import table
from simulator.model.wire import Json

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (600, "10m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600, "8h"),
        (49 * 3600, "2d1h"),
        (8 * 86400, "8d"),
        (3 * 365 * 86400, "3y"),
        (3 * 365 * 86400 + 2 * 86400, "3y2d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_ages_read_as_kubectl_writes_them(seconds: int, text: str) -> None:
    """Durations have one unit, or two where the second matters."""
    assert human(seconds) == text


def test_an_unknown_time_has_an_unknown_age() -> None:
    """An object without a readable date has the age `<unknown>`."""
    assert age(None, NOW) == age("yesterday", NOW) == "<unknown>"
    assert age((NOW - timedelta(hours=1)).isoformat(), NOW) == "60m"


def pod(status: Json, **metadata: object) -> Json:
    """Return a pod of one container and one sidecar."""
    return {
        "metadata": {"name": "web", "creationTimestamp": "2026-01-01T23:00:00Z"} | metadata,
        "spec": {
            "nodeName": "node-1",
            "containers": [{"name": "app"}],
            "initContainers": [{"name": "init"}, {"name": "istio-proxy", "restartPolicy": "Always"}],
        },
        "status": status,
    }


RUNNING = {"name": "app", "ready": True, "restartCount": 2, "state": {"running": {}}}
SIDECAR = {"name": "istio-proxy", "ready": True, "started": True, "state": {"running": {}}}
DONE = {"name": "init", "state": {"terminated": {"exitCode": 0}}}


@pytest.mark.parametrize(
    ("document", "word"),
    [
        (
            pod({"phase": "Running", "containerStatuses": [RUNNING], "initContainerStatuses": [DONE, SIDECAR]}),
            "Running",
        ),
        (pod({"phase": "Pending", "initContainerStatuses": [{"name": "init", "state": {"running": {}}}]}), "Init:0/2"),
        (
            pod(
                {
                    "phase": "Pending",
                    "initContainerStatuses": [{"name": "init", "state": {"terminated": {"exitCode": 3}}}],
                }
            ),
            "Init:ExitCode:3",
        ),
        (
            pod(
                {
                    "phase": "Running",
                    "containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
                }
            ),
            "CrashLoopBackOff",
        ),
        (pod({"phase": "Running"}, deletionTimestamp="2026-01-01T23:59:00Z"), "Terminating"),
        (pod({"phase": "Failed", "reason": "Evicted"}), "Evicted"),
    ],
)
def test_the_status_of_a_pod_is_worked_out_from_its_containers(document: Json, word: str) -> None:
    """The STATUS column is the word that kubectl shows."""
    assert pod_status(document) == word


def test_a_row_of_a_pod_counts_sidecars_as_containers() -> None:
    """READY counts restartable init containers, RESTARTS adds them up."""
    statuses = {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "containerStatuses": [RUNNING],
        "initContainerStatuses": [DONE, SIDECAR],
    }
    made = table(built_in("pods"), [pod(statuses)], metadata={}, now=NOW, include="None", api_version="v1")
    (row,) = made["rows"]
    assert row["cells"] == ["web", "2/2", "Running", "2", "60m", "10.0.0.1", "node-1", "<none>", "<none>"]
    assert [column["priority"] for column in made["columnDefinitions"]] == [0, 0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("spec", "external", "ports"),
    [
        ({"type": "ClusterIP", "clusterIP": "10.1.1.1", "ports": [{"port": 80}]}, "<none>", "80/TCP"),
        ({"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30080}]}, "<pending>", "80:30080/TCP"),
        ({"type": "ExternalName", "externalName": "db.example.com"}, "db.example.com", "<none>"),
        ({"externalIPs": ["1.2.3.4"], "ports": [{"port": 53, "protocol": "UDP"}]}, "1.2.3.4", "53/UDP"),
    ],
)
def test_services_show_where_they_are_reached(spec: Json, external: str, ports: str) -> None:
    """EXTERNAL-IP and PORT(S) follow the type of the service."""
    cells = built_in("services").cells({"metadata": {"name": "web"}, "spec": spec}, NOW)
    assert (cells[3], cells[4]) == (external, ports)


def test_json_paths_find_fields_indexes_and_filtered_items() -> None:
    """The JSONPath of additionalPrinterColumns: fields, quoted fields, `[*]`, indexes, equality filters."""
    document = {"a": {"b.c": [{"type": "Ready", "v": 1}, {"type": "Other", "v": 2}]}}
    assert json_path(document, ".a.b\\.c[*].v") == [1, 2]
    assert json_path(document, ".a['b.c'][0].v") == [1]
    assert json_path(document, '.a.b\\.c[?(@.type=="Other")].v') == [2]
    assert json_path(document, ".a.missing") == []


def test_istio_kinds_have_the_columns_of_their_definitions() -> None:
    """A VirtualService shows gateways and hosts as a cluster with Istio's CRDs does."""
    definition = next(each for each in definitions() if each["spec"]["names"]["kind"] == "VirtualService")
    columns = custom_columns(definition["spec"]["versions"][0]["additionalPrinterColumns"])
    document = {"metadata": {"name": "web", "creationTimestamp": "2026-01-01T23:00:00Z"}, "spec": {"hosts": ["web"]}}
    assert columns.headings == ("Name", "Gateways", "Hosts", "Age")
    assert list(columns.cells(document, NOW)) == ["web", None, '["web"]', "60m"]
