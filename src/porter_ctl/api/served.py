"""Fields that the API has and this version does not serve yet.

The shapes of the API are final from its first version on, so that no object has to be converted
later. A field whose behaviour is not there yet is accepted by the API server and refused here, by
name, when it says anything but its default: an object that asks for something must not be
half obeyed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from porter_ctl.api.examine import join, show
from porter_ctl.api.fault import Fault, FaultReason
from porter_ctl.api.meta import Kind
from porter_ctl.api.schema import ListShape, ObjectShape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from porter_ctl.api.schema import FieldShape


class NotYet(NamedTuple):
    """A field of a spec, with everything below it, that is not served.

    Attributes:
        path: Names below `spec`, joined by dots.
        served: The values that are served nevertheless; the default always is.
    """

    path: str
    served: tuple[str, ...] = ()


NOT_YET: Mapping[Kind, tuple[NotYet, ...]] = {
    Kind.VIP_POOL: (
        NotYet("skip"),
        NotYet("allocation"),
        NotYet("priority"),
        NotYet("namespaces"),
        NotYet("namespaceSelectors"),
        NotYet("serviceSelectors"),
        NotYet("limits"),
        NotYet("whenOutOfPool"),
    ),
    Kind.VIP: (NotYet("sharingKey"), NotYet("reservedFor"), NotYet("seats")),
    Kind.BGP_CONFIG: (
        NotYet("nodeSelectors"),
        NotYet("priority"),
        NotYet("asnFrom"),
        NotYet("routerIDFrom"),
        NotYet("gracefulRestart.longLivedSeconds"),
        NotYet("loopGuard"),
    ),
    Kind.BGP_PEER: (
        NotYet("addressFrom"),
        NotYet("interface"),
        NotYet("vrf"),
        NotYet("asnFrom"),
        NotYet("localASN"),
        NotYet("timers.sendHoldSeconds"),
        NotYet("auth.method", served=("MD5",)),
        NotYet("auth.keyID"),
        NotYet("auth.algorithm"),
        NotYet("bfd"),
        NotYet("extendedNextHop"),
        NotYet("maxPrefixes.action", served=("Warn",)),
        NotYet("role"),
    ),
    Kind.BGP_ADVERTISEMENT: (
        NotYet("poolSelectors"),
        NotYet("namespaces"),
        NotYet("namespaceSelectors"),
        NotYet("peerSelectors"),
        NotYet("aggregation"),
        NotYet("communities.extended"),
        NotYet("maxNodes"),
        NotYet("weight"),
        NotYet("serviceAttributes"),
        NotYet("externalIPs"),
        NotYet("clusterIPs"),
    ),
    Kind.BGP_NODE: (),
}


def unserved_faults(kind: Kind, shape: ObjectShape, spec: Mapping[str, object]) -> list[Fault]:
    """Give a fault for each field of a spec that asks for what is not served."""
    refused = {entry.path: entry for entry in NOT_YET[kind]}
    return [
        Fault(
            join("spec", path),
            show(value),
            f"{show(value)} is not supported yet",
            f"use {' or '.join(refused[under].served)}"
            if refused[under].served
            else "leave the field out",
            FaultReason.NOT_YET_SUPPORTED,
        )
        for path, value, under in _refused(refused, shape, spec, "", "")
        if value not in refused[under].served
    ]


def _refused(
    refused: Mapping[str, NotYet],
    shape: ObjectShape,
    spec: Mapping[str, object],
    path: str,
    under: str,
) -> Iterator[tuple[str, object, str]]:
    """Find the values that are not their field's default and lie in a refused field."""
    for field in shape.fields:
        here = join(path, field.name)
        entry = under or (here if here in refused else "")
        value = spec.get(field.name)
        if value is None or _is_default(field, value):
            continue
        if (
            isinstance(field.shape, ObjectShape)
            and isinstance(value, dict)
            and (not entry or field.default is not None)
        ):
            yield from _refused(refused, field.shape, value, here, entry)
        elif entry:
            yield here, value, entry


def _is_default(field: FieldShape, value: object) -> bool:
    if isinstance(field.shape, ListShape) and isinstance(value, list | tuple):
        default = field.default if isinstance(field.default, list | tuple) else ()
        return list(value) == list(default)
    return value == field.default
