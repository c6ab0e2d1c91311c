"""The content of a `*.meshtest.yaml`: a mesh, requests, and the expectation about each of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kubectl_mesh.meshtest.borrowed import Borrowed
from simulator.model.traces import Disposition

API_VERSION = "kubectl-mesh/v1alpha1"
KIND = "MeshTest"
DISPOSITIONS = tuple(each.value for each in Disposition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The mesh under test; paths are relative to the test file. Without manifests and bundle, the command's source."""

    manifests: tuple[str, ...] = ()
    overlay: tuple[str, ...] = ()
    bundle: str = ""
    inject: tuple[str, ...] = ()
    """Namespaces to treat as labelled for injection, as by `--inject`; `*` means all without such a label."""
    live: bool = False
    mesh_config: str = ""
    """A file with MeshConfig, laid over the manifests' own."""
    revision: str = ""
    creation_order: str | tuple[str, ...] = "undetermined"
    """`undetermined`, `file`, `bundle`, or the objects in order, oldest first (`vs/NAME`)."""
    stand_ins: bool = False
    """Whether to make up missing services and a client: files of other tools come with routes only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSpec:
    """The request of a case, in terms of the arguments of `kubectl mesh trace`."""

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
    """`[namespace/]name` of the pod or its owner."""


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
    """The expected verdict, and the policy (`namespace/name`, or `<implicit>`) that gives it."""

    verdict: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must hold for a request; only stated fields are compared. The parts of `absent` must not all hold."""

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
    """Path as the destination gets it; a `*` at the end matches anything."""
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
    """Expectations that only files of other tools have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request and its expectation, for one combination of the matrix."""

    name: str
    sender: str
    request: RequestSpec
    expect: Expectation
    position: str
    """`file:line` of the case."""
    skip: str = ""
    """Why the case is skipped; empty to run it."""
    document: int = 0
    """Number of the document in the file."""
    expect_path: tuple[str | int, ...] = ()
    """Path of the expectation in the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """An expectation for every sender and destination of a kind, or findings that must not occur."""

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
    """`routes`, `authzRules` → required percentage."""
    mistake: str = ""
    """The error in the file, because of which its tests are unknown."""
    hint: str = ""
