"""`porter_ctl.daemon.metrics`: the page, its names, and that it costs no loop time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from porter_bgp.wire import IPV4_UNICAST, IPV6_UNICAST
from porter_ctl.daemon.facts import NodeFacts, PoolUse, ProcessFacts
from porter_ctl.daemon.loop_lag import BOUNDS, LoopLag
from porter_ctl.daemon.metrics import MetricsPage
from porter_ctl.daemon.service_reasons import ServiceReasons
from porter_ctl.plan import Reason
from tests.porter_ctl.daemon.views import down, family, peer_config, speaker, up

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

BASE_UNITS = {"seconds", "bytes", "ratio", "celsius", "volts", "meters"}
OTHER_UNITS = re.compile("milliseconds|microseconds|minutes|hours|kilobytes|percent")


def node_facts() -> NodeFacts:
    both = {IPV4_UNICAST: family(wanted=5, advertised=4), IPV6_UNICAST: family()}
    return NodeFacts(
        view=speaker(up("a", families=both), down("b", remote="2001:db8::1")),
        peers={"a": peer_config()},
        wall_offset=1_000_000.0,
        reasons=ServiceReasons(
            counts={Reason.NO_LOCAL_ENDPOINT: 2, Reason.ALL_PATHS: 3},
            named={"default/shop": Reason.NO_LOCAL_ENDPOINT},
            omitted=2,
        ),
        announced=(("default/web", "198.51.100.1"),),
        announced_omitted=4,
        pools=(PoolUse(pool="lab", family="ipv6", size=2**64, in_use=2),),
        objects={"Service": 12},
        leading=True,
        loaded=True,
        stale=False,
        last_good=True,
        kept=7,
    )


def process_facts() -> ProcessFacts:
    lag = LoopLag()
    lag.observe(0.0015)
    lag.observe(9.0)
    return ProcessFacts(
        version="1.2.3", lines_dropped=4, lag_counts=tuple(lag.counts), lag_total=lag.total
    )


async def page(facts: NodeFacts | None) -> dict[str, Metric]:
    body, _ = await MetricsPage(process_facts, lambda: facts).render("")
    return {one.name: one for one in text_string_to_metric_families(body.decode())}


SAMPLES = {
    'porter_bgp_session_up{peer="192.0.2.1"}': 1.0,
    'porter_bgp_session_up{peer="2001:db8::1"}': 0.0,
    'porter_bgp_session_state{peer="192.0.2.1",state="Established"}': 1.0,
    'porter_bgp_session_state{peer="192.0.2.1",state="Idle"}': 0.0,
    'porter_bgp_session_state{peer="2001:db8::1",state="Active"}': 1.0,
    'porter_bgp_session_established_timestamp_seconds{peer="192.0.2.1"}': 1_000_100.0,
    'porter_bgp_session_transitions_total{peer="192.0.2.1",to="down"}': 2.0,
    'porter_bgp_session_transitions_total{peer="192.0.2.1",to="established"}': 3.0,
    'porter_bgp_hold_time_seconds{peer="192.0.2.1"}': 90.0,
    'porter_bgp_messages_total{direction="in",peer="192.0.2.1",type="update"}': 4.0,
    'porter_bgp_notifications_total{direction="in",peer="192.0.2.1"}': 1.0,
    'porter_bgp_notifications_total{direction="out",peer="192.0.2.1"}': 0.0,
    'porter_bgp_malformed_updates_total{action="discard",peer="192.0.2.1"}': 3.0,
    'porter_bgp_advertised_prefixes{afi="ipv4",peer="192.0.2.1",safi="unicast"}': 4.0,
    'porter_bgp_pending_prefixes{afi="ipv4",peer="192.0.2.1",safi="unicast"}': 1.0,
    'porter_bgp_received_prefixes{afi="ipv6",peer="192.0.2.1",safi="unicast"}': 7.0,
    'porter_service_decisions{reason="NoLocalEndpoint"}': 2.0,
    'porter_service_decisions{reason="AllPaths"}': 3.0,
    'porter_service_reason{namespace="default",reason="NoLocalEndpoint",service="shop"}': 1.0,
    "porter_service_reason_omitted{}": 2.0,
    'porter_bgp_session_graceful_restart{peer="192.0.2.1"}': 1.0,
    'porter_bgp_unacknowledged_timestamp_seconds{peer="192.0.2.1"}': 1_000_150.0,
    'porter_bgp_stale_prefixes{afi="ipv6",peer="192.0.2.1",safi="unicast"}': 1.0,
    'porter_bgp_prefix_limit_exceeded{afi="ipv4",peer="192.0.2.1",safi="unicast"}': 0.0,
    'porter_speaker_announced{ip="198.51.100.1",namespace="default",service="web"}': 1.0,
    "porter_speaker_announced_omitted{}": 4.0,
    'porter_pool_addresses{family="ipv6",pool="lab"}': 2.0**64,
    'porter_pool_addresses_in_use{family="ipv6",pool="lab"}': 2.0,
    'porter_watch_objects{resource="Service"}': 12.0,
    'porter_leader{lease="porter-allocator"}': 1.0,
    "porter_config_loaded{}": 1.0,
    "porter_config_stale{}": 0.0,
    "porter_config_last_good{}": 1.0,
    "porter_guard_kept_prefixes{}": 7.0,
    "porter_log_lines_dropped_total{}": 4.0,
    'porter_event_loop_lag_seconds_bucket{le="0.001"}': 0.0,
    'porter_event_loop_lag_seconds_bucket{le="0.002"}': 1.0,
    'porter_event_loop_lag_seconds_bucket{le="+Inf"}': 2.0,
    "porter_event_loop_lag_seconds_sum{}": 9.0015,
}


def spelt(metrics: dict[str, Metric]) -> dict[str, float]:
    found: dict[str, float] = {}
    for metric in metrics.values():
        for sample in metric.samples:
            labels = ",".join(f'{key}="{value}"' for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


async def test_the_page_says_what_is_so() -> None:
    samples = spelt(await page(node_facts()))

    assert {name: samples.get(name) for name in SAMPLES} == SAMPLES


async def test_a_peer_is_told_by_name_in_one_series_to_join_with() -> None:
    metrics = await page(node_facts())

    labels = metrics["porter_bgp_peer_info"].samples[0].labels
    assert labels == {
        "peer": "192.0.2.1",
        "name": "a",
        "peer_asn": "65000",
        "local_asn": "64512",
        "router_id": "192.0.2.1",
        "type": "external",
        "password": "yes",
    }


async def test_before_there_is_a_speaker_the_process_is_told_of_all_the_same() -> None:
    metrics = await page(None)

    assert "porter_build_info" in metrics
    assert "porter_bgp_session_up" not in metrics


async def test_names_pass_the_rules_of_promtool() -> None:
    body, _ = await MetricsPage(process_facts, node_facts).render("")
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", body.decode(), re.MULTILINE))
    helps = dict(re.findall(r"^# HELP (\S+) (.+)$", body.decode(), re.MULTILINE))

    ours = {name: kind for name, kind in types.items() if name.startswith("porter_")}
    assert len(ours) >= 24
    assert [n for n, kind in ours.items() if n.endswith("_total") != (kind == "counter")] == []
    assert [n for n in ours if not re.fullmatch("[a-z][a-z0-9_]*", n)] == []
    assert [n for n in ours if n.endswith(("_count", "_sum", "_bucket"))] == []
    assert [n for n in ours if OTHER_UNITS.search(n)] == []
    assert [n for n in ours if set(n.split("_")[:-2]) & BASE_UNITS] == []  # a unit stands last
    assert [n for n in ours if n not in helps] == []


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics"),
    ],
)
async def test_the_format_is_the_one_asked_for(accept: str, content_type: str) -> None:
    _, given = await MetricsPage(process_facts, node_facts).render(accept)

    assert given.startswith(content_type)


async def test_a_page_is_not_rendered_twice_in_a_second() -> None:
    taken = []

    def facts() -> NodeFacts:
        taken.append(1)
        return node_facts()

    page = MetricsPage(process_facts, facts)
    first = await page.render("")
    second = await page.render("")

    assert first == second
    assert len(taken) == 1


def test_a_lag_is_counted_once_in_the_bucket_that_holds_it() -> None:
    lag = LoopLag()
    for bound in BOUNDS:
        lag.observe(bound)

    assert lag.counts == [1] * len(BOUNDS)
