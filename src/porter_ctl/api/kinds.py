"""The registry: how each kind is called in the API, and which struct holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from porter_ctl.api.bgpadvertisement import BGPAdvertisement
from porter_ctl.api.bgpconfig import BGPConfig
from porter_ctl.api.bgpnode import BGPNode
from porter_ctl.api.bgppeer import BGPPeer
from porter_ctl.api.core import EndpointSlice, Namespace, Node, Pod, Secret, Service
from porter_ctl.api.meta import GROUP, VERSION, Kind
from porter_ctl.api.vip import VIP
from porter_ctl.api.vippool import VIPPool

if TYPE_CHECKING:
    from collections.abc import Mapping

OwnResource: TypeAlias = VIPPool | VIP | BGPConfig | BGPPeer | BGPAdvertisement | BGPNode
CoreResource: TypeAlias = Service | EndpointSlice | Node | Pod | Namespace | Secret
Resource: TypeAlias = OwnResource | CoreResource
Key: TypeAlias = str  # "namespace/name", or "name" where there is no namespace


class ObjectRef(NamedTuple):
    """Which object is meant; `namespace` is empty for cluster-scoped kinds."""

    kind: Kind
    namespace: str
    name: str

    @property
    def key(self) -> Key:
        """The key of the object in its store."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KindInfo:
    """How a kind is called in the API.

    Attributes:
        group: The API group; empty for the core group.
        short_name: What kubectl also takes; empty for kinds that are not ours.
    """

    struct: type[Resource]
    group: str
    version: str
    plural: str
    namespaced: bool
    short_name: str = ""

    @property
    def api_version(self) -> str:
        """`group/version`, or `version` alone in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """The kind in lower case."""
        return self.struct.kind.value.lower()


def _own(struct: type[OwnResource], plural: str, short_name: str) -> KindInfo:
    return KindInfo(
        struct=struct,
        group=GROUP,
        version=VERSION,
        plural=plural,
        namespaced=False,
        short_name=short_name,
    )


def _core(
    struct: type[CoreResource], plural: str, *, namespaced: bool, group: str = ""
) -> KindInfo:
    return KindInfo(struct=struct, group=group, version="v1", plural=plural, namespaced=namespaced)


KINDS: Mapping[Kind, KindInfo] = {
    Kind.VIP_POOL: _own(VIPPool, "vippools", "vpool"),
    Kind.VIP: _own(VIP, "vips", "vip"),
    Kind.BGP_CONFIG: _own(BGPConfig, "bgpconfigs", "pcfg"),
    Kind.BGP_PEER: _own(BGPPeer, "bgppeers", "ppeer"),
    Kind.BGP_ADVERTISEMENT: _own(BGPAdvertisement, "bgpadvertisements", "padv"),
    Kind.BGP_NODE: _own(BGPNode, "bgpnodes", "pnode"),
    Kind.SERVICE: _core(Service, "services", namespaced=True),
    Kind.ENDPOINT_SLICE: _core(
        EndpointSlice, "endpointslices", namespaced=True, group="discovery.k8s.io"
    ),
    Kind.NODE: _core(Node, "nodes", namespaced=False),
    Kind.POD: _core(Pod, "pods", namespaced=True),
    Kind.NAMESPACE: _core(Namespace, "namespaces", namespaced=False),
    Kind.SECRET: _core(Secret, "secrets", namespaced=True),
}
OWN_KINDS: tuple[Kind, ...] = tuple(kind for kind, info in KINDS.items() if info.group == GROUP)


def key_of(obj: Resource) -> Key:
    """Give the key of an object in its store."""
    return ref_of(obj).key


def ref_of(obj: Resource) -> ObjectRef:
    """Give the reference to an object."""
    return ObjectRef(obj.kind, obj.metadata.namespace, obj.metadata.name)
