"""The kinds of resources: group, versions, plural, short names and scope.

Follows `kubectl api-resources` of Kubernetes 1.34, and the CRDs of Istio 1.30 and Gateway API. Kinds that are not
here are kept as they are; a CustomResourceDefinition among the manifests tells the scope of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

_TABLE = """
# group, versions (storage first), kind, plural, scope, short names
-                            v1                  Binding bindings ns
-                            v1                  ComponentStatus componentstatuses - cs
-                            v1                  ConfigMap configmaps ns cm
-                            v1                  Endpoints endpoints ns ep
-                            v1                  Event events ns ev
-                            v1                  LimitRange limitranges ns limits
-                            v1                  Namespace namespaces - ns
-                            v1                  Node nodes - no
-                            v1                  PersistentVolume persistentvolumes - pv
-                            v1                  PersistentVolumeClaim persistentvolumeclaims ns pvc
-                            v1                  Pod pods ns po
-                            v1                  PodTemplate podtemplates ns
-                            v1                  ReplicationController replicationcontrollers ns rc
-                            v1                  ResourceQuota resourcequotas ns quota
-                            v1                  Secret secrets ns
-                            v1                  Service services ns svc
-                            v1                  ServiceAccount serviceaccounts ns sa
admissionregistration.k8s.io v1                  MutatingWebhookConfiguration mutatingwebhookconfigurations -
admissionregistration.k8s.io v1                  ValidatingAdmissionPolicy validatingadmissionpolicies -
admissionregistration.k8s.io v1                  ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings -
admissionregistration.k8s.io v1                  ValidatingWebhookConfiguration validatingwebhookconfigurations -
apiextensions.k8s.io         v1                  CustomResourceDefinition customresourcedefinitions - crd,crds
apiregistration.k8s.io       v1                  APIService apiservices -
apps                         v1                  ControllerRevision controllerrevisions ns
apps                         v1                  DaemonSet daemonsets ns ds
apps                         v1                  Deployment deployments ns deploy
apps                         v1                  ReplicaSet replicasets ns rs
apps                         v1                  StatefulSet statefulsets ns sts
authentication.k8s.io        v1                  SelfSubjectReview selfsubjectreviews -
authentication.k8s.io        v1                  TokenReview tokenreviews -
authorization.k8s.io         v1                  LocalSubjectAccessReview localsubjectaccessreviews ns
authorization.k8s.io         v1                  SelfSubjectAccessReview selfsubjectaccessreviews -
authorization.k8s.io         v1                  SelfSubjectRulesReview selfsubjectrulesreviews -
authorization.k8s.io         v1                  SubjectAccessReview subjectaccessreviews -
autoscaling                  v2,v1               HorizontalPodAutoscaler horizontalpodautoscalers ns hpa
batch                        v1                  CronJob cronjobs ns cj
batch                        v1                  Job jobs ns
certificates.k8s.io          v1                  CertificateSigningRequest certificatesigningrequests - csr
coordination.k8s.io          v1                  Lease leases ns
discovery.k8s.io             v1                  EndpointSlice endpointslices ns
events.k8s.io                v1                  Event events ns ev
flowcontrol.apiserver.k8s.io v1                  FlowSchema flowschemas -
flowcontrol.apiserver.k8s.io v1                  PriorityLevelConfiguration prioritylevelconfigurations -
networking.k8s.io            v1                  IPAddress ipaddresses - ip
networking.k8s.io            v1                  Ingress ingresses ns ing
networking.k8s.io            v1                  IngressClass ingressclasses -
networking.k8s.io            v1                  NetworkPolicy networkpolicies ns netpol
networking.k8s.io            v1                  ServiceCIDR servicecidrs -
node.k8s.io                  v1                  RuntimeClass runtimeclasses -
policy                       v1                  PodDisruptionBudget poddisruptionbudgets ns pdb
rbac.authorization.k8s.io    v1                  ClusterRole clusterroles -
rbac.authorization.k8s.io    v1                  ClusterRoleBinding clusterrolebindings -
rbac.authorization.k8s.io    v1                  Role roles ns
rbac.authorization.k8s.io    v1                  RoleBinding rolebindings ns
scheduling.k8s.io            v1                  PriorityClass priorityclasses - pc
storage.k8s.io               v1                  CSIDriver csidrivers -
storage.k8s.io               v1                  CSINode csinodes -
storage.k8s.io               v1                  CSIStorageCapacity csistoragecapacities ns
storage.k8s.io               v1                  StorageClass storageclasses - sc
storage.k8s.io               v1                  VolumeAttachment volumeattachments -
extensions.istio.io          v1alpha1            TrafficExtension trafficextensions ns
extensions.istio.io          v1alpha1            WasmPlugin wasmplugins ns
networking.istio.io          v1,v1beta1,v1alpha3 DestinationRule destinationrules ns dr
networking.istio.io          v1alpha3            EnvoyFilter envoyfilters ns
networking.istio.io          v1,v1beta1,v1alpha3 Gateway gateways ns gw
networking.istio.io          v1beta1             ProxyConfig proxyconfigs ns
networking.istio.io          v1,v1beta1,v1alpha3 ServiceEntry serviceentries ns se
networking.istio.io          v1,v1beta1,v1alpha3 Sidecar sidecars ns
networking.istio.io          v1,v1beta1,v1alpha3 VirtualService virtualservices ns vs
networking.istio.io          v1,v1beta1,v1alpha3 WorkloadEntry workloadentries ns we
networking.istio.io          v1,v1beta1,v1alpha3 WorkloadGroup workloadgroups ns wg
security.istio.io            v1,v1beta1          AuthorizationPolicy authorizationpolicies ns ap
security.istio.io            v1,v1beta1          PeerAuthentication peerauthentications ns pa
security.istio.io            v1,v1beta1          RequestAuthentication requestauthentications ns ra
telemetry.istio.io           v1,v1alpha1         Telemetry telemetries ns telemetry
gateway.networking.k8s.io    v1,v1alpha3         BackendTLSPolicy backendtlspolicies ns btlspolicy
gateway.networking.k8s.io    v1                  GRPCRoute grpcroutes ns
gateway.networking.k8s.io    v1,v1beta1          Gateway gateways ns gtw
gateway.networking.k8s.io    v1,v1beta1          GatewayClass gatewayclasses - gc
gateway.networking.k8s.io    v1,v1beta1          HTTPRoute httproutes ns
gateway.networking.k8s.io    v1                  ListenerSet listenersets ns lset
gateway.networking.k8s.io    v1,v1beta1          ReferenceGrant referencegrants ns refgrant
gateway.networking.k8s.io    v1alpha2            TCPRoute tcproutes ns
gateway.networking.k8s.io    v1,v1alpha3,v1alpha2 TLSRoute tlsroutes ns
gateway.networking.k8s.io    v1alpha2            UDPRoute udproutes ns
gateway.networking.x-k8s.io  v1alpha1            XBackendTrafficPolicy xbackendtrafficpolicies ns xbtrafficpolicy
gateway.networking.x-k8s.io  v1alpha1            XMesh xmeshes - mesh
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of resource. `versions` are those served, the storage version first; core's group is empty."""

    group: str
    versions: tuple[str, ...]
    name: str
    plural: str
    namespaced: bool
    short_names: tuple[str, ...] = ()

    @property
    def singular(self) -> str:
        """The kind in lower case, as kubectl accepts it."""
        return self.name.lower()

    @property
    def api_version(self) -> str:
        """`group/version` in the storage version."""
        return f"{self.group}/{self.versions[0]}" if self.group else self.versions[0]


def _rows() -> Iterator[Kind]:
    for line in _TABLE.strip().splitlines()[1:]:
        group, versions, name, plural, scope, *short_names = line.split()
        yield Kind(
            group="" if group == "-" else group,
            versions=tuple(versions.split(",")),
            name=name,
            plural=plural,
            namespaced=scope == "ns",
            short_names=tuple(short_names[0].split(",")) if short_names else (),
        )


@cache
def kinds() -> Mapping[tuple[str, str], Kind]:
    """Return every known kind by (group, kind), in the order of `kubectl api-resources`."""
    return {(kind.group, kind.name): kind for kind in _rows()}


_OLD_GROUPS = {("extensions", "Ingress"): "networking.k8s.io"}


def group_of(api_version: str) -> str:
    """Return the group in an `apiVersion`; empty for the core group."""
    group, slash, _ = api_version.partition("/")
    return group if slash else ""


def find_kind(api_version: str, kind: str) -> Kind | None:
    """Return what is known of a kind, whatever version of its group is named; None for an unknown kind."""
    group = group_of(api_version)
    return kinds().get((_OLD_GROUPS.get((group, kind), group), kind))


def named_kind(word: str) -> tuple[Kind, ...]:
    """Return the kinds that kubectl would take `word` for: a plural, singular or short name, `.group` appended or not.

    Of several groups (`gateways`, `events`) all are returned, best known to kubectl first.
    """
    word, _, group = word.lower().partition(".")
    return tuple(
        kind
        for kind in kinds().values()
        if word in (kind.plural, kind.singular, *kind.short_names) and (not group or kind.group.startswith(group))
    )
