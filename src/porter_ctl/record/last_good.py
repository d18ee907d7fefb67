"""What a node announced when it last knew: results only, from which it can go on announcing.

No configuration object is in it and nothing is planned from it: the peers are resolved, the paths
worked out, and what the gates decided is written down. `encode` and `decode` are inverses;
passwords are never in the octets and are passed beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from porter_bgp.config import SpeakerConfig
from porter_ctl.record.lines import (
    FORMAT,
    DamagedError,
    Header,
    encode_record,
    frame,
    read_lines,
)
from porter_ctl.record.passwords import with_password, without_passwords
from porter_ctl.record.state import State, put_records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_bgp.config import PeerConfig
    from porter_bgp.rib import Path
    from porter_bgp.wire import Prefix
    from porter_ctl.record.lines import Record

MAX_AGE = 24 * 3600.0  # seconds
NOTHING_TO_DO = "there is nothing to do, it is written anew once the API server answers"


class UnusableError(ValueError):
    """A last-good file must not be used.

    Attributes:
        remedy: What a person can do.
    """

    def __init__(self, what: str, remedy: str = NOTHING_TO_DO) -> None:
        super().__init__(what)
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class LastGood:
    """What a node can go on announcing.

    Attributes:
        node: The node's name.
        boot_id: The kernel's id of the boot in which it was announced.
        confirmed_at: When all kinds were last in step with the API, in seconds of Unix.
        speaker: What the sessions share.
        peers: The sessions.
        paths: By prefix, what each peer was told.
        served: By prefix, the UIDs of the Services for which it has passed the dataplane gate.
        last: The reason for which the node announces last; empty if it does not.
        left_out: Peers that have no session for want of their password, each with a sentence.
    """

    node: str
    boot_id: str
    confirmed_at: float
    speaker: SpeakerConfig = field(default_factory=SpeakerConfig)
    peers: Mapping[str, PeerConfig] = field(default_factory=dict)
    paths: Mapping[Prefix, Mapping[str, tuple[Path, ...]]] = field(default_factory=dict)
    served: Mapping[Prefix, frozenset[str]] = field(default_factory=dict)
    last: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def restart_seconds(self) -> float:
        """The shortest time for which a peer keeps our routes without a session; 0 for none."""
        offers = (peer.session.graceful_restart for peer in self.peers.values())
        return float(min((one.restart_time for one in offers if one is not None), default=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A file that may be used.

    Attributes:
        good: What can be announced.
        state: The same as its records have it, those without a password included.
        octets: How many of its octets count; what follows is a line that was never whole.
        checksum: Of its last line.
        lines: How many it has.
    """

    good: LastGood
    state: State
    octets: int
    checksum: int
    lines: int


def encode(good: LastGood) -> bytes:
    """Return the octets of a file that says this and nothing else, without passwords."""
    peers, passwords = without_passwords(good.peers)
    state = State()
    state.configure(good.speaker, peers, frozenset(passwords), good.last)
    state.confirmed_at = good.confirmed_at
    numbers: dict[tuple[tuple[str, tuple[Path, ...]], ...], int] = {}
    for prefix, paths in good.paths.items():
        number = numbers.setdefault(tuple(paths.items()), len(numbers))
        state.sets[number] = dict(paths)
        state.entries[prefix] = (number, good.served.get(prefix, frozenset()))
    header = Header(FORMAT, good.node, good.boot_id)
    records = (header, *state.preamble(), *put_records(state.entries.items()))
    lines, _ = frame(map(encode_record, records), 0)
    return lines


def decode(
    octets: bytes, passwords: Mapping[str, bytes], *, node: str, boot_id: str, now: float
) -> Reading:
    """Read a file.

    Args:
        octets: All of it.
        passwords: By peer.
        node: This node's name.
        boot_id: The kernel's id of this boot.
        now: Seconds of Unix.

    Raises:
        UnusableError: It must not be used.
    """
    state, header, line = State(), None, None
    try:
        for line in read_lines(octets):
            if header is None:
                header = _header(line.record, node, boot_id)
            else:
                state.apply(line)
    except DamagedError as error:
        raise UnusableError(f"{error}", f"{NOTHING_TO_DO}; look at the disk") from error
    if header is None or line is None:
        raise UnusableError("it holds no whole line")
    return Reading(
        good=_good(state, header, passwords, now),
        state=state,
        octets=line.end,
        checksum=line.checksum,
        lines=line.number,
    )


def _header(record: Record, node: str, boot_id: str) -> Header:
    if not isinstance(record, Header):
        raise UnusableError("it does not begin with a header")
    if record.format != FORMAT:
        raise UnusableError(f"it is of format {record.format}, and this version reads {FORMAT}")
    if record.node != node:
        raise UnusableError(
            f"it is of Node/{record.node}, and this is Node/{node}",
            "give every node a state directory of its own",
        )
    if record.boot_id != boot_id:
        raise UnusableError("the machine has booted since it was written")
    return record


def _good(state: State, header: Header, passwords: Mapping[str, bytes], now: float) -> LastGood:
    if state.confirmed_at is None:
        raise UnusableError("this node was never in step with the API server while it was written")
    age = now - state.confirmed_at
    if abs(age) > MAX_AGE:  # a clock that was put back tells as little as one that went on
        raise UnusableError(
            f"it was last in step with the API server {age / 3600:.0f} hours ago, "
            f"and {MAX_AGE / 3600:.0f} are allowed"
        )
    left_out = {
        name: f"the password of {name} was not kept; it is read again once the API server answers"
        for name in sorted(state.secret - passwords.keys())
    }
    told = {prefix: entry for prefix, entry in state.entries.items() if state.sets[entry[0]]}
    return LastGood(
        node=header.node,
        boot_id=header.boot_id,
        confirmed_at=state.confirmed_at,
        speaker=state.speaker,
        peers={
            name: with_password(peer, passwords[name]) if name in state.secret else peer
            for name, peer in state.peers.items()
            if name not in left_out
        },
        paths={prefix: dict(state.sets[number]) for prefix, (number, _) in told.items()},
        served={prefix: served for prefix, (_, served) in told.items()},
        last=state.last,
        left_out=left_out,
    )
