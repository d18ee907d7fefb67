"""`porter_ctl.reconcile.announcer`: what is said is kept first, and can be said again."""

from __future__ import annotations

import time
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING

from porter_bgp.config import PeerConfig, SessionConfig, SpeakerConfig, TcpConfig
from porter_bgp.rib import Path as Route
from porter_bgp.rib import RouteAttributes
from porter_bgp.speaker.speaker import Speaker
from porter_bgp.wire import Prefix
from porter_ctl.plan import ConfigSnapshot, NodeFacts, compile_context
from porter_ctl.record.journal import Journal
from porter_ctl.record.last_good import LastGood
from tests.support.announcers import announcer_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from porter_ctl.reconcile.announcer import Announcer

ONE, OTHER = Prefix.parse("192.0.2.1/32"), Prefix.parse("192.0.2.2/32")
ROUTE = (Route(0, RouteAttributes()),)
SESSION = SessionConfig(local_asn=64512, router_id=IPv4Address("192.0.2.71"), peer_asn=65000)
TOR = PeerConfig(session=SESSION, tcp=TcpConfig(remote=ip_address("198.51.100.1")))
HELD = frozenset({"uid"})


def _kept(folder: Path) -> LastGood | str:
    journal = Journal(folder / "last-good", folder / "passwords", node="n1", boot_id="boot")
    try:
        return journal.load(time.time())
    finally:
        journal.close()


class _Watched(Speaker):
    """A speaker that looks into the file at the moment it is told something."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.kept: list[set[Prefix]] = []

    def announce(self, prefix: Prefix, paths: Mapping[str, tuple[Route, ...]]) -> None:
        kept = _kept(self.folder)
        self.kept.append(set(kept.paths) if isinstance(kept, LastGood) else set())
        super().announce(prefix, paths)


def _ready(speaker: Speaker, folder: Path) -> Announcer:
    announcer = announcer_of(speaker, folder)
    context = compile_context(ConfigSnapshot(), NodeFacts(name="n1"))
    announcer.configure(context, {"tor": TOR}, SpeakerConfig())
    announcer.confirm(0.0)
    return announcer


async def test_what_is_announced_is_kept_for_the_next_process(tmp_path: Path) -> None:
    announcer = _ready(Speaker(), tmp_path)
    announcer.say(ONE, {"tor": ROUTE}, HELD)
    announcer.flush()

    kept = _kept(tmp_path)
    assert isinstance(kept, LastGood)
    assert kept.paths == {ONE: {"tor": ROUTE}}
    assert kept.served == {ONE: HELD}
    assert kept.peers == {"tor": TOR}


async def test_a_withdrawal_is_in_the_file_before_the_speaker_has_it(tmp_path: Path) -> None:
    speaker = _Watched(tmp_path)
    announcer = _ready(speaker, tmp_path)
    announcer.say(ONE, {"tor": ROUTE}, HELD)
    announcer.say(OTHER, {"tor": ROUTE}, HELD)
    announcer.flush()
    announcer.say(ONE, {}, frozenset())

    assert speaker.kept[-1] == {OTHER}


async def test_a_node_that_leaves_keeps_nothing(tmp_path: Path) -> None:
    announcer = _ready(Speaker(), tmp_path)
    announcer.say(ONE, {"tor": ROUTE}, HELD)
    announcer.forget()

    kept = _kept(tmp_path)
    assert isinstance(kept, LastGood)
    assert kept.paths == {}


async def test_what_was_kept_is_announced_as_it_was(tmp_path: Path) -> None:
    speaker = Speaker()
    announcer = announcer_of(speaker, tmp_path)
    announcer.adopt(
        LastGood(
            node="n1",
            boot_id="boot",
            confirmed_at=time.time(),
            speaker=SpeakerConfig(),
            peers={"tor": TOR},
            paths={ONE: {"tor": ROUTE}},
        )
    )

    assert speaker.planned(ONE) == {"tor": ROUTE}
