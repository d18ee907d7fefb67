"""The decision process: which of the paths to one prefix is best, and which are as good.

RFC 4271 §9.1.1 and §9.1.2, with RFC 4456 §9 and RFC 8326 §4. Interior cost (rule e) takes an
IGP, which this speaker has not: every next hop is as near as the next. Paths that are still
equal when only the tie-breakers are left are the multipath set.

What peers said stands in `porter_bgp.rib.adj_rib_in`, the decisions in `porter_bgp.rib.loc_rib`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from porter_bgp.wire import WellKnownCommunity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from ipaddress import IPv4Address, IPv6Address

    from porter_bgp.wire import PathAttributes

_DEFAULT_LOCAL_PREF = 100  # ours to choose; everybody chose this


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The session that a path came over.

    Attributes:
        peer: The peer's name.
        external: Whether the peer's AS is another than ours.
        local_asn: Our AS number in this session.
        local_id: Our BGP Identifier in this session.
        peer_id: The peer's BGP Identifier.
        address: The peer's end of the connection.
    """

    peer: str
    external: bool
    local_asn: int
    local_id: IPv4Address
    peer_id: IPv4Address
    address: IPv4Address | IPv6Address


class Candidate(NamedTuple):
    """One path to a prefix, and who told us. `path_id` is 0 where there is only the one."""

    source: Source
    path_id: int
    attributes: PathAttributes


class Reason(Enum):
    """Why a path is not used."""

    AS_LOOP = "our AS number stands in its AS_PATH"
    ORIGINATOR_LOOP = "we are its originator"
    LOCAL_PREFERENCE = "its local preference is lower"
    AS_PATH_LENGTH = "its AS_PATH is longer"
    ORIGIN = "its ORIGIN is worse"
    MULTI_EXIT_DISC = "its MED is higher than another's through the same AS"
    INTERNAL = "an external peer has the prefix too"
    AS_PATH_CONTENT = "its AS_PATH is as long as the best one's, but another"


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of the paths to one prefix.

    Attributes:
        multipath: The paths to use together, the best first; empty when none may be used.
        losers: The others, each with the rule it lost by.
    """

    multipath: tuple[Candidate, ...]
    losers: tuple[tuple[Candidate, Reason], ...]

    @property
    def best(self) -> Candidate | None:
        """The path that a speaker without multipath would use."""
        return self.multipath[0] if self.multipath else None


def decide(candidates: Iterable[Candidate], *, multipath_relax: bool) -> Decision:
    """Run the decision process over all paths to one prefix; their order plays no part.

    Args:
        candidates: All that peers have told.
        multipath_relax: Paths of equally long AS_PATHs are used together; otherwise only
            those whose AS_PATH is the best one's.
    """
    losers: list[tuple[Candidate, Reason]] = []
    left: list[Candidate] = []
    for path in candidates:
        reason = _loop(path)
        if reason is None:
            left.append(path)
        else:
            losers.append((path, reason))
    for keep, reason in _RULES:
        kept = keep(left)
        losers += [(path, reason) for path in left if path not in kept]
        left = kept
    left.sort(key=lambda path: [rank(path) for rank in _TIE_BREAKERS])
    if not multipath_relax:
        kept = [path for path in left if path.attributes.as_path == left[0].attributes.as_path]
        losers += [(path, Reason.AS_PATH_CONTENT) for path in left if path not in kept]
        left = kept
    return Decision(tuple(left), tuple(losers))


def _loop(path: Candidate) -> Reason | None:
    source = path.source
    if any(source.local_asn in segment.asns for segment in path.attributes.as_path.segments):
        return Reason.AS_LOOP  # RFC 4271 §9.1.2
    if path.attributes.originator_id == source.local_id:
        return Reason.ORIGINATOR_LOOP  # RFC 4456 §8
    return None


def _local_preference(path: Candidate) -> int:
    """The degree of preference (RFC 4271 §9.1.1)."""
    attributes = path.attributes
    if path.source.external and WellKnownCommunity.GRACEFUL_SHUTDOWN in attributes.communities:
        return 0  # RFC 8326 §4
    return _DEFAULT_LOCAL_PREF if attributes.local_pref is None else attributes.local_pref


def _med(path: Candidate) -> int:
    return path.attributes.med or 0  # none is the lowest value: RFC 4271 §9.1.2.2 c


def _lowest_med(paths: list[Candidate]) -> list[Candidate]:
    """MEDs compare only between paths through the same neighbouring AS."""
    lowest: dict[int | None, int] = {}
    for path in paths:
        through = path.attributes.as_path.first_as
        lowest[through] = min(_med(path), lowest.get(through, _med(path)))
    return [path for path in paths if _med(path) == lowest[path.attributes.as_path.first_as]]


def _lowest(rank: Callable[[Candidate], int]) -> Callable[[list[Candidate]], list[Candidate]]:
    def keep(paths: list[Candidate]) -> list[Candidate]:
        lowest = min(map(rank, paths), default=0)
        return [path for path in paths if rank(path) == lowest]

    return keep


def _address(path: Candidate) -> int:
    address = path.source.address
    return address.version << 128 | int(address)  # IPv4 first: the RFC knows of no other


_RULES = (  # RFC 4271 §9.1.2 and §9.1.2.2
    (_lowest(lambda path: -_local_preference(path)), Reason.LOCAL_PREFERENCE),
    (_lowest(lambda path: path.attributes.as_path.length), Reason.AS_PATH_LENGTH),  # a
    (_lowest(lambda path: path.attributes.origin), Reason.ORIGIN),  # b
    (_lowest_med, Reason.MULTI_EXIT_DISC),  # c
    (_lowest(lambda path: not path.source.external), Reason.INTERNAL),  # d
)

_TIE_BREAKERS: tuple[Callable[[Candidate], int], ...] = (
    lambda path: int(path.attributes.originator_id or path.source.peer_id),  # f, RFC 4456 §9
    lambda path: len(path.attributes.cluster_list),  # RFC 4456 §9
    _address,  # g
    lambda path: path.path_id,  # one peer's paths (RFC 7911) in an order that stays
)
