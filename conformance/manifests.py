"""What a bad input is, and the good world into which it is put.

In texts and sentences `NODE` stands for the InternalIP of the node n1, `ROUTER` for the address of
its router: whoever plays the table has addresses of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

API = "porter.network/v1beta1"
VIP = "198.51.100.7"  # of the good Service
NODE_ASN = 64512


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """One bad input.

    Attributes:
        subject: Kind and name of the object; empty where the text is no object to tell of.
        spec: What the user writes there.
        raw: What the user writes where that is no object of ours, or not only its spec.
        says: Field path, what is wrong, and the remedy, exactly.
        code: The reason code, where neither of the two usual ones is meant.
        more: Further sentences about the same mistake.
        server: What the API server refuses it with; empty: it takes it, and the daemon says.
        condition: The condition that is False then; unless it is Accepted, other objects are
            concerned, and by itself the document is good.
        line: Where the fault is told of, if there is no object.
    """

    subject: str = ""
    spec: str = ""
    raw: str = ""
    says: str
    code: str = ""
    more: tuple[str, ...] = ()
    server: str = ""
    condition: str = "Accepted"
    line: int = 1

    @property
    def kind(self) -> str:
        """The object's kind."""
        return self.subject.partition(" ")[0]

    @property
    def name(self) -> str:
        """The object's name, with its namespace where it has one."""
        return self.subject.partition(" ")[2]

    @property
    def path(self) -> str:
        """The field."""
        return self.says.partition(": ")[0]

    @property
    def reason(self) -> str:
        """The reason code, for machines."""
        return self.code or _reason(self.says)

    @property
    def faults(self) -> list[tuple[str, str]]:
        """Reason and sentence of every fault that the object has by itself."""
        return [] if self.between else [(_reason(one), one) for one in self.sentences]

    @property
    def between(self) -> bool:
        """Whether other objects are concerned."""
        return self.condition != "Accepted"

    @property
    def text(self) -> str:
        """What the user writes."""
        return self.raw or ours(self.kind, self.name, self.spec)

    @property
    def sentences(self) -> tuple[str, ...]:
        """All that is said of it."""
        return (self.says, *self.more)

    def at(self, *, node: str, router: str) -> Bad:
        """The same, where the node and its router have these addresses."""

        def put(text: str) -> str:
            return text.replace("NODE", node).replace("ROUTER", router)

        return replace(self, spec=put(self.spec), says=put(self.says))


def _reason(sentence: str) -> str:
    return "NotYetSupported" if "not supported yet" in sentence else "Invalid"


def ours(kind: str, name: str, spec: str) -> str:
    """The text of an object of Porter's."""
    return f"apiVersion: {API}\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def service(name: str, annotation: str) -> str:
    """The text of a Service with an annotation of ours."""
    return (
        "apiVersion: v1\nkind: Service\nmetadata:\n"
        f"  name: {name}\n  namespace: default\n"
        f"  annotations: {{porter.network/{annotation}}}\n"
        "spec: {type: LoadBalancer, ports: [{port: 80}]}\n"
    )


def good(*, node: str, router: str, asn: int, peer: str = "") -> Mapping[str, str]:
    """A world in which all is well: the texts of its objects, by kind and name.

    Args:
        node: The InternalIP of n1.
        router: The address of its router.
        asn: The router's.
        peer: More of the BGPPeer's spec, such as `port: 1790`.
    """
    more = f", {peer}" if peer else ""
    return {
        "BGPConfig default": ours(
            "BGPConfig",
            "default",
            f"{{asn: {NODE_ASN}, routerID: 192.0.2.71, dataplane: {{gate: None}}}}",
        ),
        "BGPPeer router": ours("BGPPeer", "router", f"{{address: {router}, asn: {asn}{more}}}"),
        "VIPPool lab": ours("VIPPool", "lab", "{addresses: [198.51.100.0/28]}"),
        # In YAML as kubectl reads it this community is text, not a number to base 60.
        "BGPAdvertisement all": ours(
            "BGPAdvertisement", "all", "{communities: {standard: [65000:100]}}"
        ),
        "Service default/web": service("web", f"addresses: {VIP}"),
        "EndpointSlice default/web-1": (
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n"
            "  name: web-1\n  namespace: default\n"
            "  labels: {kubernetes.io/service-name: web}\n"
            "addressType: IPv4\n"
            f"endpoints: [{{addresses: [{node}], nodeName: n1, conditions: {{ready: true}}}}]\n"
        ),
    }
