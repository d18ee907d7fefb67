"""`porter_ctl.daemon.readiness`: what of a plan has not come true."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from porter_bgp.config import ListenConfig, SpeakerConfig
from porter_bgp.wire import IPV4_UNICAST, IPV6_UNICAST
from porter_ctl.daemon.readiness import what_is_missing
from porter_ctl.plan import ConfigSnapshot, NodeFacts, compile_context
from tests.porter_ctl.daemon.views import down, family, speaker, up

if TYPE_CHECKING:
    from porter_bgp.view import SpeakerView

SILENT = SpeakerConfig()
LISTENING = SpeakerConfig(listen=(ListenConfig(address=IPv4Address("192.0.2.9")),))
CASES: dict[str, tuple[SpeakerConfig, SpeakerView, tuple[str, ...]]] = {
    "nothing is wanted": (SILENT, speaker(), ()),
    "all is told": (SILENT, speaker(up()), ()),
    "a session is down, which is the router's to mend": (SILENT, speaker(down()), ()),
    "a router waits for End-of-RIB": (
        SILENT,
        speaker(
            up("a", families={IPV4_UNICAST: family(), IPV6_UNICAST: family(ended=False)}), up("b")
        ),
        ("peer a: End-of-RIB was not sent yet for ipv6-unicast",),
    ),
    "it listens": (LISTENING, speaker(listening=(179,)), ()),
    "it does not listen yet": (LISTENING, speaker(), ("does not listen yet",)),
    "it cannot listen": (
        LISTENING,
        speaker(error="port 179: permission denied"),
        ("cannot listen: port 179: permission denied",),
    ),
}


@pytest.mark.parametrize(("config", "view", "missing"), CASES.values(), ids=CASES)
def test_what_is_missing_is_said(
    config: SpeakerConfig, view: SpeakerView, missing: tuple[str, ...]
) -> None:
    bare = compile_context(ConfigSnapshot(), NodeFacts(name="a"))

    assert what_is_missing(replace(bare, speaker=config), view) == missing
