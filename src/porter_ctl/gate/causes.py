"""What the guard makes of the reasons for which a prefix would go.

    reason                                    guarded              kept
    NotAllocated: Service gone, VIP emptied   no
    NodeDrained                               no
    DataplaneNotReady: others hold it now     no
    Damped: it comes back within a second     no
    NoEndpoint, NoLocalEndpoint
        unready, the own Node Ready           no, but see below
        unready, the own Node not Ready       yes                  as the last resort
        no endpoint at all                    from five on         as the last resort
    NodeNotSelected, NodeExcluded             yes                  as the last resort
    NoAdvertisement                           yes                  as it was; asks BGPAdvertisement
    NoConfig                                  yes                  as it was; asks BGPConfig
    NoPeer                                    yes                  as it was; asks BGPPeer
    any other, or none                        yes                  as it was

Of several reasons one that passes decides, then one about endpoints. What is about this node or its
endpoints is kept as the last resort, because elsewhere all may be well: where another node has the
prefix, it has the traffic at once, and where none has, nothing is lost. A few prefixes that have
lost their last endpoints are a working day and not an accident, also if they are all there are.

The node-lifecycle controller marks the Pods of a Node not ready when it finds the Node so, and
which of the two is heard of first nobody knows. So what has gone for unready endpoints while the
Node was Ready comes back if the Node turns out not to be within 10 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from porter_bgp.rib import Path
from porter_bgp.wire import WellKnownCommunity
from porter_ctl.api import Kind
from porter_ctl.plan import Reason
from porter_ctl.plan.attributes import announced_last

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_bgp.rib import RouteAttributes
    from porter_ctl.plan import PrefixPlan

    Paths = Mapping[str, tuple[Path, ...]]

_PASSING = frozenset(
    {Reason.NOT_ALLOCATED, Reason.NODE_DRAINED, Reason.DATAPLANE_NOT_READY, Reason.DAMPED}
)
_ENDPOINTS = frozenset({Reason.NO_ENDPOINT, Reason.NO_LOCAL_ENDPOINT})
_NODE = frozenset({Reason.NODE_NOT_SELECTED, Reason.NODE_EXCLUDED})
_KINDS = {
    Reason.NO_ADVERTISEMENT: Kind.BGP_ADVERTISEMENT,
    Reason.NO_CONFIG: Kind.BGP_CONFIG,
    Reason.NO_PEER: Kind.BGP_PEER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a prefix would go, as far as it matters to the guard.

    Attributes:
        unready: Its endpoints exist, and none is ready.
        vacant: It has no endpoint.
        as_last: It is kept as the last resort.
        kind: Whose objects would have to be there; None: of no kind that can be deleted.
    """

    unready: bool = False
    vacant: bool = False
    as_last: bool = False
    kind: Kind | None = None


def cause_of(wanted: PrefixPlan) -> Cause | None:
    """Return why a prefix would go; None: for a reason that passes."""
    reasons = {verdict.reason for verdict in wanted.verdicts}
    if reasons & _PASSING:
        return None
    if reasons & _ENDPOINTS:
        return Cause(unready=wanted.unready, vacant=not wanted.unready, as_last=True)
    kinds = (kind for reason, kind in _KINDS.items() if reason in reasons)
    return Cause(as_last=bool(reasons & _NODE), kind=next(kinds, None))


def last_resort(paths: Paths) -> Paths:
    """Return the same paths, announced last."""
    return {
        peer: tuple(Path(path.path_id, _last(path.attributes)) for path in several)
        for peer, several in paths.items()
    }


def _last(attributes: RouteAttributes) -> RouteAttributes:
    if WellKnownCommunity.GRACEFUL_SHUTDOWN in attributes.communities:
        return attributes
    return announced_last(attributes)
