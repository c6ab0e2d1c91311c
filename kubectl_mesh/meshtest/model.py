"""What a `*.meshtest.yaml` says: given a mesh, requests, and what each of them must meet."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kubectl_mesh.meshtest.borrowed import Borrowed
from simulator.model.traces import Disposition

API_VERSION = "kubectl-mesh/v1alpha1"
KIND = "MeshTest"
DISPOSITIONS = tuple(each.value for each in Disposition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The mesh under test; paths are relative to the test file. No manifests and no bundle: the command's source."""

    manifests: tuple[str, ...] = ()
    overlay: tuple[str, ...] = ()
    bundle: str = ""
    inject: tuple[str, ...] = ()
    """Namespaces taken for labelled for injection, as by `--inject`; `*` all that say nothing."""
    live: bool = False
    mesh_config: str = ""
    """A file with MeshConfig, laid over the manifests' own."""
    revision: str = ""
    creation_order: str | tuple[str, ...] = "undetermined"
    """`undetermined`, `file`, `bundle`, or the objects in order, oldest first (`vs/NAME`)."""
    stand_ins: bool = False
    """Make up services and a client that manifests leave out: files of other tools speak of routes only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSpec:
    """The request of a case, in the words of `kubectl mesh trace`."""

    url: str
    method: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    source_ip: str = ""
    sni: str = ""
    tls: str = ""
    random: float | None = None
    resolve: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The service, or the workload, that gets the request. Only stated parts are compared."""

    service: str = ""
    """`[namespace/]name`, or a host."""
    subset: str | None = None
    port: int | None = None
    workload: str = ""
    """`[namespace/]name` of the owner or the pod."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The rule that routes the request."""

    resource: str = ""
    """`KIND/namespace/name`; kinds that have rules are VirtualService, HTTPRoute and GRPCRoute."""
    index: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """Retries of the route."""

    attempts: int | None = None
    on: tuple[str, ...] | None = None
    per_try_timeout: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """The verdict on the request, and the policy (`namespace/name`, or `<implicit>`) that gives it."""

    verdict: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a request must meet; only stated fields are compared. `absent` must not hold as a whole."""

    disposition: tuple[str, ...] = ()
    """Any of these."""
    status: int | None = None
    destination: Destination | None = None
    rule: Rule | None = None
    split: tuple[tuple[Destination, float], ...] = ()
    """Destination → percent of the requests; complete."""
    redirect: str | None = None
    """Location of a redirect; an empty text means none."""
    path: str | None = None
    """Path as the destination gets it; a `*` at the end stands for anything."""
    authority: str | None = None
    timeout: str | None = None
    retries: Retries | None = None
    request_headers: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    """Header → value that the route sets; None that it removes it."""
    response_headers: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    upstream_tls: str | None = None
    """`none`, `simple` or `mtls`."""
    authz: Authorization | None = None
    absent: "Expectation | None" = None
    borrowed: Borrowed | None = None
    """What other tools' files ask; no key of our own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request and its expectation, after the matrix has been multiplied out."""

    name: str
    sender: str
    request: RequestSpec
    expect: Expectation
    position: str
    """`file:line` of the case."""
    skip: str = ""
    """Why the case is not run; empty to run it."""
    document: int = 0
    """Number of the document in the file."""
    expect_path: tuple[str | int, ...] = ()
    """Where in the document the expectation is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """What holds for every sender and destination of a kind, or findings that must not occur."""

    name: str
    position: str
    sender: str = "*/*"
    destination: str = "*/*"
    expect: Expectation | None = None
    no_finding: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One document of a test file."""

    name: str
    source: str
    """The file it was read from."""
    given: Given
    cases: tuple[Case, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    coverage: Mapping[str, float] = field(default_factory=dict, hash=False)
    """`routes`, `authzRules` → least per cent."""
    mistake: str = ""
    """What is wrong with the file, so that nothing is known of its tests."""
    hint: str = ""
