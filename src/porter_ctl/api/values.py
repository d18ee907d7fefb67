"""The values that several kinds share: names, selectors, numbers of BGP; each with its bounds.

Each alias is a type and its bounds; a field adds the sentence that describes it. The CRDs, the
reference page and the validation all read these annotations.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta, field

from porter_ctl.api import addresses
from porter_ctl.api.meta import ApiStruct
from porter_ctl.api.rules import NumberCheck, Problem, Rule, TextCheck

MAX_U32 = 2**32 - 1
AS_TRANS = 23456  # RFC 6793 §9
LAST_ASNS = (65535, MAX_U32)  # RFC 7300 §2


class AddressFamily(StrEnum):
    """A family of routes, spelt as everywhere in Porter."""

    IPV4_UNICAST = "ipv4-unicast"
    IPV6_UNICAST = "ipv6-unicast"


class IPFamily(StrEnum):
    """A family of addresses, spelt as in a Service."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"


class SelectorOperator(StrEnum):
    """How a selector's values are compared with a label."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


def explain_asn(value: int) -> Problem | None:
    """Say why a number between 1 and 2^32-1 may not be used as an AS number."""
    if value == AS_TRANS:
        return Problem(f"{value} is AS_TRANS, which no AS may use (RFC 6793)", "use your AS number")
    if value in LAST_ASNS:
        return Problem(f"{value} is reserved (RFC 7300)", "use your AS number")
    return None


_LABEL_NAME = r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)"
_DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_LABEL_KEY_PATTERN = rf"^({_DNS_LABEL}(\.{_DNS_LABEL})*/)?{_LABEL_NAME}$"
_LABEL_VALUE_PATTERN = rf"^{_LABEL_NAME}?$"
_SUBDOMAIN_PATTERN = rf"^{_DNS_LABEL}(\.{_DNS_LABEL})*$"

Port = Annotated[int, Meta(ge=1, le=65535)]
U32 = Annotated[int, Meta(ge=0, le=MAX_U32)]
Asn = Annotated[
    int,
    Meta(
        ge=1,
        le=MAX_U32,
        extra={
            "noun": "AS number",
            "check": NumberCheck(
                cel="self != 23456 && self != 65535 && self != 4294967295",
                message="23456 (AS_TRANS), 65535 and 4294967295 are reserved; use your AS number",
                explain=explain_asn,
            ),
        },
    ),
]
ObjectName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=253,
        pattern=_SUBDOMAIN_PATTERN,
        extra={
            "noun": "the name of an object",
            "remedy": "use lower-case letters, digits, '-' and '.'",
        },
    ),
]
NamespaceName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=63,
        pattern=rf"^{_DNS_LABEL}$",
        extra={
            "noun": "the name of a namespace",
            "remedy": "use lower-case letters, digits and '-'",
        },
    ),
]
LabelKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=317,
        pattern=_LABEL_KEY_PATTERN,
        extra={"noun": "the key of a label", "remedy": "write it as name or domain/name"},
    ),
]
LabelValue = Annotated[
    str,
    Meta(
        max_length=63,
        pattern=_LABEL_VALUE_PATTERN,
        extra={
            "noun": "the value of a label",
            "remedy": "use letters, digits, '-', '_' and '.', the first and last alphanumeric",
        },
    ),
]
HostAddress = Annotated[
    str, Meta(min_length=2, max_length=45, extra={"check": addresses.HOST_ADDRESS})
]
HostIPv4 = Annotated[str, Meta(min_length=7, max_length=15, extra={"check": addresses.HOST_IPV4})]
HostIPv6 = Annotated[str, Meta(min_length=2, max_length=45, extra={"check": addresses.HOST_IPV6})]
Timestamp = Annotated[str, Meta(max_length=64, extra_json_schema={"format": "date-time"})]
Uid = Annotated[str, Meta(max_length=128)]


class SelectorRequirement(ApiStruct, frozen=True, kw_only=True):
    """One condition that a label must meet."""

    key: Annotated[LabelKey, Meta(description="The label.")]
    operator: Annotated[SelectorOperator, Meta(description="How to compare.")]
    values: Annotated[
        tuple[LabelValue, ...],
        Meta(max_length=64, description="What to compare with; empty for (DoesNot)Exists."),
    ] = ()

    rules: ClassVar[tuple[Rule[SelectorRequirement], ...]] = (
        Rule(
            reads=("values", "operator"),
            cel=(
                "self.operator in ['In', 'NotIn']"
                " ? has(self.values) && size(self.values) > 0"
                " : !has(self.values) || size(self.values) == 0"
            ),
            holds=lambda self: (
                (self.operator in (SelectorOperator.IN, SelectorOperator.NOT_IN))
                == bool(self.values)
            ),
            message="In and NotIn need values, Exists and DoesNotExist take none",
            remedy="list the values, or use Exists",
        ),
    )


class LabelSelector(ApiStruct, frozen=True, kw_only=True):
    """Labels to match: all of them must hold; an empty selector matches everything."""

    match_labels: Annotated[
        dict[LabelKey, LabelValue],
        Meta(max_length=64, description="Labels and the values they must have."),
    ] = field(default_factory=dict)
    match_expressions: Annotated[
        tuple[SelectorRequirement, ...],
        Meta(max_length=16, description="Further conditions on labels."),
    ] = ()

    def matches(self, labels: dict[str, str]) -> bool:
        """Tell whether an object with these labels is selected."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            _meets(requirement, labels) for requirement in self.match_expressions
        )


def _meets(requirement: SelectorRequirement, labels: dict[str, str]) -> bool:
    value = labels.get(requirement.key)
    if requirement.operator is SelectorOperator.IN:
        return value in requirement.values
    if requirement.operator is SelectorOperator.NOT_IN:
        return value not in requirement.values
    return (value is not None) == (requirement.operator is SelectorOperator.EXISTS)


LabelSelectors = Annotated[tuple[LabelSelector, ...], Meta(max_length=16)]


class NodeValueSource(ApiStruct, frozen=True, kw_only=True):
    """A value that each node carries itself, in a label or an annotation."""

    node_label: Annotated[
        LabelKey | None, Meta(description="The node label that holds the value.")
    ] = None
    node_annotation: Annotated[
        LabelKey | None, Meta(description="The node annotation that holds the value.")
    ] = None

    rules: ClassVar[tuple[Rule[NodeValueSource], ...]] = (
        Rule(
            reads=("nodeLabel", "nodeAnnotation"),
            cel="has(self.nodeLabel) != has(self.nodeAnnotation)",
            holds=lambda self: (self.node_label is None) != (self.node_annotation is None),
            message="exactly one of nodeLabel and nodeAnnotation must be set",
            remedy="keep one of them",
        ),
    )


def _community_check(parts: int, bits: int, example: str) -> TextCheck:
    limit = 2**bits - 1
    shape = re.compile(rf"[0-9]{{1,10}}(:[0-9]{{1,10}}){{{parts - 1}}}\Z")

    def explain(text: str) -> Problem | None:
        remedy = f"write {parts} decimal numbers from 0 to {limit}, such as {example}"
        if not shape.match(text):
            return Problem(f"{text!r} is not a community of {parts} numbers", remedy)
        for part in text.split(":"):
            if int(part) > limit:
                return Problem(f"{text!r} has a part above {limit}", remedy)
        return None

    return TextCheck(
        cel=(
            f"self.matches('^[0-9]{{1,10}}(:[0-9]{{1,10}}){{{parts - 1}}}$')"
            f" && self.split(':').all(part, int(part) <= {limit})"
        ),
        message=f"must be {parts} decimal numbers from 0 to {limit}, such as {example}",
        explain=explain,
    )


class WellKnownCommunity(StrEnum):
    """A community that has a meaning everywhere (RFC 1997, 3765, 7999, 8326)."""

    NO_EXPORT = "no-export"
    NO_ADVERTISE = "no-advertise"
    NO_EXPORT_SUBCONFED = "no-export-subconfed"
    NO_PEER = "no-peer"
    BLACKHOLE = "blackhole"
    GRACEFUL_SHUTDOWN = "graceful-shutdown"


Community = Annotated[
    str,
    Meta(min_length=3, max_length=11, extra={"check": _community_check(2, 16, "65000:100")}),
]
LargeCommunityText = Annotated[
    str,
    Meta(min_length=5, max_length=32, extra={"check": _community_check(3, 32, "65000:1:100")}),
]
ExtendedCommunityText = Annotated[
    str,
    Meta(
        min_length=6,
        max_length=40,
        pattern=r"^((rt|soo):[0-9]{1,10}:[0-9]{1,10}|0x[0-9a-f]{16})$",
        extra={
            "noun": "an extended community",
            "remedy": "write rt:65000:100, soo:65000:100 or 0x and 16 hexadecimal digits",
        },
    ),
]
