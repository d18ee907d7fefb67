"""What may be said of an address: which of its paths are proven, and why the others are not.

A path is proven on a node if the bucket the node reports equals an expectation at or after the
path's last change there. A report counts only while it is evidence, that is while the process that
wrote it is known to live; and only sessions that the node reports as Established carry paths.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from porter_bgp.wire import AddressFamily, Prefix
from porter_ctl.api import SessionState
from porter_ctl.plan.digest import ALGORITHM, numbers
from porter_ctl.plan.expectation import Channel, Plans, Sums
from porter_ctl.plan.node_status import HELD_BACK
from porter_ctl.plan.verdict import ANNOUNCED_LAST, Reason, Verdict, foremost, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from porter_ctl.api import BGPNodeStatus, NodeException, NodeSession
    from porter_ctl.plan.expectation import Group, Planned

# What is rightly so on one node and tells nothing of the others.
_OF_ONE_NODE = frozenset(
    {
        Reason.NODE_NOT_SELECTED,
        Reason.NODE_EXCLUDED,
        Reason.NODE_DRAINED,
        Reason.NO_LOCAL_ENDPOINT,
    }
)
# What leaves open whether a path is there.
_UNKNOWN = frozenset({Reason.NO_REPORT, Reason.NOT_PROVEN, Reason.NOT_ACKNOWLEDGED})
_MODULUS = 2**64
_SOONER = 2.0  # seconds by which a node may hear of a change, and report it, before the leader does
WELL_SECONDS = 150.0  # after which the silence of a process that is well tells that nothing changed
_NOTHING = Verdict(
    reason=Reason.NO_REPORT,
    message="Porter is known to run on no node",
    remedy="look at the Pods of Porter",
)
_ALL = Verdict(
    reason=Reason.ALL_PATHS,
    message="every path that should exist was announced, and the routers acknowledged it",
)
_REMEDIES = {
    Reason.NO_REPORT: "look at the Porter Pod of that node, and at the node",
    Reason.SESSION_DOWN: "look at the conditions of the BGPPeer, and at the router",
    Reason.NOT_ACKNOWLEDGED: "the connection to the router is stuck; look at the router",
    Reason.FAMILY_NOT_NEGOTIATED: "configure the family on the router",
    Reason.NOT_PROVEN: "if it lasts, look at the BGPNode and at the log of that node",
}


@dataclass(frozen=True, slots=True)
class Report:
    """A BGPNode's status, as far as it proves anything.

    Attributes:
        values: Of the buckets; None where they were computed in another way than ours.
        channels: What carries paths there.
        sessions: By peer.
        held_back: What is planned and does not go yet: reasons by peer, "" for all of them.
    """

    values: tuple[int, ...] | None
    channels: frozenset[Channel]
    sessions: Mapping[str, NodeSession]
    held_back: Mapping[Prefix, Mapping[str, Reason]]
    _carriers: Mapping[AddressFamily, AbstractSet[str]]

    @classmethod
    def of(cls, status: BGPNodeStatus) -> Report:
        """Read a status."""
        channels = frozenset(_channels(status.sessions))
        families = {channel.family for channel in channels}
        return cls(
            values=numbers(status.digests) if status.digest_version == ALGORITHM else None,
            channels=channels,
            _carriers={f: {one.peer for one in channels if one.family == f} for f in families},
            sessions={session.peer: session for session in status.sessions},
            held_back=_held_back(status.exceptions),
        )

    def differs_in_values_only(self, other: Report) -> bool:
        """Whether what the buckets are is all that may be another."""
        return (
            self.channels == other.channels
            and self.sessions == other.sessions
            and self.held_back == other.held_back
            and (self.values is None) == (other.values is None)
        )

    def carriers(self, family: AddressFamily) -> AbstractSet[str]:
        """The peers that paths of a family go to."""
        return self._carriers.get(family, frozenset())


@dataclass(slots=True, eq=False)
class Witness:
    """One node, as the leader sees it.

    Attributes:
        name: Its name.
        group: Whose expectation it shares.
        local: The prefixes that are planned for it alone.
        report: What it said last; None before the first time.
        speaks: Porter runs there, or did: no path is expected of a node where it never was.
        evident: The process that said so is known to live.
        pending: That it may have lived until lately is all that is known: what was said last
            stands.
        why_not: Why its report is no evidence.
        heard: When it last said something new, as far as we were there; None: we were not.
        well_since: Since when nothing speaks against its process; None: something does.
    """

    name: str
    group: Group
    local: Plans = field(default_factory=Plans)
    report: Report | None = None
    speaks: bool = True
    evident: bool = False
    pending: bool = False
    why_not: str = "has not reported yet"
    heard: float | None = None
    well_since: float | None = None
    _corrections: dict[int, int] = field(default_factory=dict)
    _shared: Sums = field(default_factory=Sums)
    _own: Sums = field(default_factory=Sums)

    def hear(self, report: Report | None) -> None:
        """Take what it says now."""
        self.report = report
        self._corrections = {}
        if report is None:
            return
        self._shared = self.group.plans.view(report.channels)
        self._own = self.local.view(report.channels)
        for prefix, peers in report.held_back.items():
            planned = self.planned(prefix)
            if planned is None:
                continue
            kept = sum(
                value
                for channel, value in planned.sums.items()
                if channel in report.channels and ("" in peers or channel.peer in peers)
            )
            self._corrections[planned.place] = self._corrections.get(planned.place, 0) + kept

    def planned(self, prefix: Prefix) -> Planned | None:
        """What the prefix should be here; None where it is not known."""
        return self.local.by_prefix.get(prefix) or self.group.plans.by_prefix.get(prefix)

    def tells_one(self, peer: str, prefix: Prefix) -> bool:
        """Whether one path to a prefix is all that a peer takes."""
        report = self.report
        return report is not None and Channel(peer, prefix.family, every=False) in report.channels

    def proof(self, place: int, now: float) -> Proof | None:
        """Until when what the bucket reports was what should be in it; None: it never was."""
        report = self.report
        if report is None or report.values is None:
            return None
        value = report.values[place]
        if self._corrections:
            value += self._corrections.get(place, 0)
        for own in self._own.values(place, now) if self.local.by_prefix else (0,):
            until = self._shared.until(place, (value - own) % _MODULUS, now)
            if until is not None:
                return Proof(until, self._own.until(place, own, now) or 0.0)
        return None

    def proves(self, prefix: Prefix, planned: Planned, now: float) -> bool:
        """Whether the report proves what is planned here, be it that nothing is announced."""
        proof = self.proof(planned.place, now)
        if proof is None:
            return False
        own = prefix in self.local.by_prefix
        return (proof.local if own else proof.shared) > planned.changed

    def shows_absence(self, prefix: Prefix, now: float) -> bool:
        """Whether nothing is to be announced here, and its word for that is newer than the plan.

        What it said before may be as true as ever, and yet it may have announced the prefix and
        not have come to say so. Whoever is well says within a minute what has changed, or is not
        ready any more: so its silence tells, after a while.
        """
        planned = self.planned(prefix)
        if planned is None or planned.paths or not self.evident:
            return False
        anew = self.heard is not None and self.heard > planned.changed - _SOONER
        if not anew and (
            self.well_since is None or now - max(self.well_since, planned.changed) <= WELL_SECONDS
        ):
            return False
        return self.proves(prefix, planned, now)


class Proof(NamedTuple):
    """Until when both parts of a bucket's value were what was expected; infinity for now."""

    shared: float
    local: float


class Standing(NamedTuple):
    """How an address stands.

    Attributes:
        expected: Paths that should exist, over all nodes and peers.
        proven: Those that are proven.
        unknown: Those of which nothing can be said.
        verdict: Why paths are missing, or none is expected.
        unjudged: A node's report cannot be judged: what was said last stands.
        settling: All that keeps from a proof is that it has not come yet.
    """

    expected: int
    proven: int
    unknown: int
    verdict: Verdict
    unjudged: bool = False
    settling: bool = False


class _Missing(NamedTuple):
    reason: Reason
    node: str
    peer: str
    text: str


def judge(prefix: Prefix, witnesses: Iterable[Witness], now: float) -> Standing:
    """Say how a prefix stands, by what all nodes prove."""
    expected = proven = 0
    unjudged = False
    missing: Counter[_Missing] = Counter()
    verdicts: dict[Verdict, None] = {}
    lasts: set[Verdict | None] = set()
    for witness in witnesses:
        planned = witness.planned(prefix)
        if planned is None or not witness.speaks:
            continue
        if not planned.paths:
            verdicts.update(dict.fromkeys(_explained(planned.verdicts, witness)))
            continue
        lasts.add(_last(planned.verdicts))
        report = witness.report
        unjudged |= witness.pending
        unjudged |= witness.evident and report is not None and report.values is None
        if (
            report is not None
            and witness.evident
            and prefix not in report.held_back
            and planned.paths.keys() <= report.carriers(prefix.family)
            and planned.single
            and witness.proves(prefix, planned, now)
        ):
            expected += len(planned.paths)
            proven += len(planned.paths)
            continue
        proves: bool | None = None
        for peer, paths in planned.paths.items():
            count = 1 if witness.tells_one(peer, prefix) else len(paths)
            expected += count
            why = _why_not(witness, peer, prefix)
            if why is None:
                if proves is None:
                    proves = witness.proves(prefix, planned, now)
                if proves:
                    proven += count
                    continue
                text = "has not reported it yet"
                why = _Missing(Reason.NOT_PROVEN, witness.name, peer, text)
            missing[why] += count
    standing = _standing(expected, proven, missing, tuple(verdicts))
    if standing.verdict is _ALL and None not in lasts:  # as the last resort, on every node
        told = foremost(tuple(one for one in lasts if one is not None))
        standing = standing._replace(verdict=told or _ALL)
    return standing._replace(unjudged=unjudged)


def headline(verdicts: tuple[Verdict, ...]) -> Verdict | None:
    """Return the verdict to tell of a Service: what is rightly so on one node only comes last."""
    return foremost(tuple(v for v in verdicts if v.reason not in _OF_ONE_NODE)) or foremost(
        verdicts
    )


def _last(verdicts: tuple[Verdict, ...]) -> Verdict | None:
    """Tell why a path is announced as the last resort; None: it is not."""
    return foremost(tuple(one for one in verdicts if one.reason in ANNOUNCED_LAST))


def _why_not(witness: Witness, peer: str, prefix: Prefix) -> _Missing | None:
    """Say why a path cannot be proven, whatever the digests are; None: they decide."""
    report = witness.report
    if report is None or not witness.evident:
        return _Missing(Reason.NO_REPORT, witness.name, peer, witness.why_not)
    session = report.sessions.get(peer)
    if session is None:
        text = "does not know of the session yet"
        return _Missing(Reason.NOT_PROVEN, witness.name, peer, text)
    if not _carries(session):
        reason = reason_of(session.reason, Reason.SESSION_DOWN)
        return _Missing(reason, witness.name, peer, f"says: {session.message}")
    if prefix.family not in _families(session.families):
        text = f"has agreed on no {prefix.family} with it"
        return _Missing(Reason.FAMILY_NOT_NEGOTIATED, witness.name, peer, text)
    held = report.held_back.get(prefix, {})
    why = held.get("", held.get(peer))
    if why is None:
        return None
    return _Missing(why, witness.name, peer, "holds the first announcement back")


def _standing(
    expected: int,
    proven: int,
    missing: Counter[_Missing],
    verdicts: tuple[Verdict, ...],
) -> Standing:
    unknowns = {one.reason for one in missing} & _UNKNOWN
    unknown = sum(count for one, count in missing.items() if one.reason in _UNKNOWN)
    if expected == 0:
        verdict = headline(verdicts) or _NOTHING
    elif not missing:
        verdict = _ALL
    else:
        told = [one for one in missing if one.reason in _UNKNOWN or not unknown]
        reason = min((one.reason for one in told), key=lambda one: one.precedence)
        verdict = _about(reason, missing, expected)
    settling = unknowns == {Reason.NOT_PROVEN}
    return Standing(expected, proven, unknown, verdict, settling=settling)


def _about(reason: Reason, missing: Counter[_Missing], expected: int) -> Verdict:
    told = [one for one in missing if one.reason is reason]
    count = sum(missing[one] for one in told)
    one = min(told)
    return Verdict(
        reason=reason,
        message=f"{count} of {expected} paths; towards {one.peer}, Node/{one.node} {one.text}",
        remedy=_REMEDIES.get(reason, ""),
    )


def _explained(verdicts: tuple[Verdict, ...], witness: Witness) -> tuple[Verdict, ...]:
    """Tell of the peers that cannot be had rather than that there is none."""
    if any(verdict.reason is Reason.NO_PEER for verdict in verdicts):
        return witness.group.context.verdicts or verdicts
    return verdicts


def _carries(session: NodeSession) -> bool:
    stuck = session.reason == Reason.NOT_ACKNOWLEDGED
    return session.state is SessionState.ESTABLISHED and not stuck


def _channels(sessions: Iterable[NodeSession]) -> Iterable[Channel]:
    for session in sessions:
        if _carries(session):
            several = _families(session.add_path)
            for family in _families(session.families):
                yield Channel(session.peer, family, every=family in several)


@lru_cache(maxsize=64)
def _families(names: tuple[str, ...]) -> frozenset[AddressFamily]:
    return frozenset(map(AddressFamily.parse, names))


def _held_back(exceptions: Iterable[NodeException]) -> dict[Prefix, dict[str, Reason]]:
    found: dict[Prefix, dict[str, Reason]] = {}
    for one in exceptions:
        if one.reason not in HELD_BACK:
            continue
        try:
            prefix = Prefix.parse(one.prefix)
        except ValueError:  # spelled as another version does, if it is one: nothing is made of it
            continue
        found.setdefault(prefix, {})[one.peer] = Reason(one.reason)
    return found
