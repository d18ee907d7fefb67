"""`porter_ctl.lab.flows`: a flow keeps to its next hop, and many flows share all of them."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from porter_ctl.lab.flows import Flow, FlowCounts, choose

HOPS = ("127.0.0.11", "127.0.0.12", "127.0.0.13")
FLOWS = st.builds(
    Flow, st.ip_addresses(v=4).map(str), st.integers(1, 65535), st.just("198.51.100.1"), st.just(80)
)


@given(FLOWS, st.lists(st.sampled_from(HOPS), min_size=1, unique=True))
def test_a_flow_keeps_to_one_of_the_hops(flow: Flow, hops: list[str]) -> None:
    first, again = choose(flow, hops), choose(flow, hops)

    assert first in hops
    assert again == first


def test_the_ports_of_one_client_use_all_hops_about_equally() -> None:
    ports = range(40_000, 43_000)
    taken = Counter(choose(Flow("127.0.0.1", port, "198.51.100.1", 80), HOPS) for port in ports)

    assert set(taken) == set(HOPS)
    assert all(900 <= count <= 1100 for count in taken.values())


def test_flows_are_counted_by_their_hop_or_as_refused() -> None:
    counts = FlowCounts()

    counts.took(HOPS[0])
    counts.took(HOPS[0])
    counts.refuse()

    assert counts.by_hop == {HOPS[0]: 2}
    assert counts.refused == 1
