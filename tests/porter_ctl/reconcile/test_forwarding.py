"""`porter_ctl.reconcile.forwarding`: what our OPENs may say of a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from porter_bgp.speaker.speaker import Speaker
from porter_bgp.wire import IPV4_UNICAST, IPV6_UNICAST, Prefix
from porter_ctl.api import DataplaneGate
from porter_ctl.host.dataplane import Dataplane, NoKubeProxyError
from porter_ctl.reconcile.forwarding import Forwarding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from porter_bgp.session import RestartFacts


class _Told(Speaker):
    """A speaker that keeps what it is told."""

    facts: RestartFacts

    def restart_facts(self, facts: RestartFacts) -> None:
        self.facts = facts
        super().restart_facts(facts)


class _Answers(Dataplane):
    """A kube-proxy that has synced these IP versions; None: nobody answers."""

    def __init__(self, versions: set[int] | None) -> None:
        super().__init__()
        self.versions = versions

    async def sync_times(self) -> Mapping[int, float]:
        if self.versions is None:
            raise NoKubeProxyError("nobody")
        return dict.fromkeys(self.versions, 1.0)


async def _facts(
    mode: DataplaneGate, versions: set[int] | None, *, booted: bool = False, restart: float = 90
) -> RestartFacts:
    speaker = _Told()
    forwarding = Forwarding(speaker, _Answers(versions), booted=booted)
    await forwarding.learn()
    forwarding.configure(mode, restart)
    return speaker.facts


CASES: dict[str, tuple[DataplaneGate, set[int] | None, tuple[bool, bool]]] = {
    "kube-proxy has synced both": (DataplaneGate.KUBE_PROXY, {4, 6}, (True, True)),
    "kube-proxy has synced IPv4 only": (DataplaneGate.KUBE_PROXY, {4}, (True, False)),
    "kube-proxy has synced nothing": (DataplaneGate.KUBE_PROXY, set(), (False, False)),
    "nobody answers for kube-proxy": (DataplaneGate.KUBE_PROXY, None, (False, False)),
    "a delay asks nobody": (DataplaneGate.DELAY, None, (True, True)),
    "no gate asks nobody": (DataplaneGate.NONE, None, (True, True)),
}


@pytest.mark.parametrize("case", CASES)
async def test_f_is_set_if_and_only_if_the_dataplane_answers(case: str) -> None:
    mode, versions, expected = CASES[case]

    facts = await _facts(mode, versions)
    assert (facts.forwarding[IPV4_UNICAST], facts.forwarding[IPV6_UNICAST]) == expected
    assert facts.restarting


async def test_after_the_restart_time_nobody_has_restarted() -> None:
    facts = await _facts(DataplaneGate.NONE, {4, 6}, restart=0)

    assert not facts.restarting
    assert all(facts.forwarding.values())


async def test_after_a_boot_neither_r_nor_f_is_claimed() -> None:
    facts = await _facts(DataplaneGate.NONE, {4, 6}, booted=True)

    assert not facts.restarting
    assert not any(facts.forwarding.values())


async def test_once_every_router_has_forgotten_the_boot_before_f_is_as_ever() -> None:
    facts = await _facts(DataplaneGate.NONE, {4, 6}, booted=True, restart=0)

    assert not facts.restarting
    assert all(facts.forwarding.values())


async def test_what_was_served_in_this_boot_is_forwarded_whoever_answers() -> None:
    speaker = _Told()
    forwarding = Forwarding(speaker, _Answers(None), booted=False)
    forwarding.remember([Prefix.parse("192.0.2.1/32")], 90)
    await forwarding.learn()

    assert speaker.facts.restarting
    assert speaker.facts.forwarding[IPV4_UNICAST]
    assert not speaker.facts.forwarding[IPV6_UNICAST]


async def test_a_kube_proxy_that_goes_away_takes_f_back() -> None:
    speaker, dataplane = _Told(), _Answers({4, 6})
    forwarding = Forwarding(speaker, dataplane, booted=False)
    await forwarding.learn()
    dataplane.versions = None
    await forwarding.learn()

    assert not any(speaker.facts.forwarding.values())
