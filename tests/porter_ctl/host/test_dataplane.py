"""`porter_ctl.host.dataplane`: kube-proxy's metrics, connects and health checks, over sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from porter_ctl.host.dataplane import (
    Dataplane,
    DataplaneSettings,
    NoKubeProxyError,
    SyncClock,
    parse_sync_stamps,
)
from tests.support.exhausted import no_descriptors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

LOOPBACK = ip_address("127.0.0.1")
NAME = "kubeproxy_sync_proxy_rules_last_timestamp_seconds"
METRICS = f"""\
# HELP {NAME} [ALPHA] The last time proxy rules were successfully synced
# TYPE {NAME} gauge
{NAME}{{ip_family="IPv4"}} 1.7640294001234567e+09
{NAME}{{ip_family="IPv6"}} 1.764029401e+09
kubeproxy_sync_proxy_rules_service_changes_pending 0
"""


@contextlib.asynccontextmanager
async def _answering(status: str, body: str, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """An HTTP server that always says the same; gives its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, host, 0) as server:
        yield server.sockets[0].getsockname()[1]


@contextlib.contextmanager
def _refusing() -> Iterator[int]:
    """A port where nobody listens and nobody else can come to listen meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@contextlib.contextmanager
def _silent() -> Iterator[int]:
    """A port whose queue is full: the kernel drops what asks for more."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)  # noqa: FBT003 - the standard library's signature
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def _dataplane(port: int = 0) -> Dataplane:
    url = f"http://127.0.0.1:{port}/metrics"
    settings = DataplaneSettings(metrics_url=url, patience=0.2)
    return Dataplane(settings, clock=lambda: 5000.0, wall=lambda: 1764029411.0)


async def test_sync_times_are_told_on_the_monotonic_clock() -> None:
    async with _answering("200 OK", METRICS) as port:
        ended = await _dataplane(port).sync_times()

    assert ended == {4: pytest.approx(4989.123, abs=0.001), 6: 4990.0}


async def test_a_port_where_nobody_listens_is_no_kube_proxy() -> None:
    with _refusing() as port, pytest.raises(NoKubeProxyError, match="Connect call failed"):
        await _dataplane(port).sync_times()


async def test_silence_is_no_kube_proxy() -> None:
    with _silent() as port, pytest.raises(NoKubeProxyError, match=r"no answer in 0\.2 s"):
        await _dataplane(port).sync_times()


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        ("404 Not Found", METRICS, "status 404"),
        ("200 OK", "process_open_fds 7\n", "not kube-proxy's"),
    ],
    ids=["no such page", "the metrics of another program"],
)
async def test_another_answer_is_no_kube_proxy(status: str, body: str, why: str) -> None:
    async with _answering(status, body) as port:
        with pytest.raises(NoKubeProxyError, match=why):
            await _dataplane(port).sync_times()


async def test_a_kube_proxy_that_has_not_synced_yet_tells_no_time() -> None:
    async with _answering("200 OK", "kubeproxy_proxy_healthz_total 1\n") as port:
        assert await _dataplane(port).sync_times() == {}


STAMPS = {
    "both families": (METRICS, {4: 1764029400.1234567, 6: 1764029401.0}),
    "one family": (f'{NAME}{{ip_family="IPv6"}} 12.5\n', {6: 12.5}),
    "more labels": (f'{NAME}{{a="b",ip_family="IPv4"}} 3\n', {4: 3.0}),
    "no label: meant for both": (f"{NAME} 12.5\n", {4: 12.5, 6: 12.5}),
    "zero: never": (f'{NAME}{{ip_family="IPv4"}} 0\n', {}),
    "no number": (f'{NAME}{{ip_family="IPv4"}} soon\n', {}),
    "not a number": (f'{NAME}{{ip_family="IPv4"}} NaN\n', {}),
    "infinite": (f'{NAME}{{ip_family="IPv4"}} +Inf\n', {}),
    "a longer name": (f"{NAME}_total 12.5\n", {}),
    "nothing": ("", {}),
}


@pytest.mark.parametrize(("text", "stamps"), STAMPS.values(), ids=STAMPS)
def test_stamps_are_read(text: str, stamps: dict[int, float]) -> None:
    assert parse_sync_stamps(text) == stamps


# Each look: (stamps, monotonic now, wall clock, what is told); it takes one second.
LOOKS = {
    "a first look goes by the wall clock": [({4: 990.0}, 50.0, 1000.0, {4: 40.0})],
    "a time to come is no evidence at first": [({4: 1001.0}, 50.0, 1000.0, {})],
    "nor is it later, until it changes": [
        ({4: 1001.0}, 50.0, 1000.0, {}),
        ({4: 1001.0}, 60.0, 1010.0, {}),
        ({4: 1012.0}, 70.0, 1020.0, {4: 62.0}),
    ],
    "what has not changed stays where it was, whatever the wall clock does": [
        ({4: 990.0}, 50.0, 1000.0, {4: 40.0}),
        ({4: 990.0}, 60.0, 500.0, {4: 40.0}),
        ({4: 990.0}, 70.0, 90000.0, {4: 40.0}),
    ],
    "a change was after the look before, the wall clock set forward": [
        ({4: 990.0}, 50.0, 1000.0, {4: 40.0}),
        ({4: 1005.0}, 60.0, 5000.0, {4: 49.0}),
    ],
    "a change was before now, the wall clock set back": [
        ({4: 990.0}, 50.0, 1000.0, {4: 40.0}),
        ({4: 1005.0}, 60.0, 500.0, {4: 60.0}),
    ],
    "a first sync between two looks is a change": [
        ({}, 50.0, 1000.0, {}),
        ({4: 1005.0}, 60.0, 500.0, {4: 60.0}),
    ],
    "what is not told for a while is no change": [
        ({4: 990.0, 6: 991.0}, 50.0, 1000.0, {4: 40.0, 6: 41.0}),
        ({6: 991.0}, 60.0, 1010.0, {6: 41.0}),
        ({4: 990.0, 6: 991.0}, 70.0, 1020.0, {4: 40.0, 6: 41.0}),
    ],
}


@pytest.mark.parametrize("looks", LOOKS.values(), ids=LOOKS)
def test_sync_clock(
    looks: list[tuple[dict[int, float], float, float, dict[int, float]]],
) -> None:
    clock = SyncClock()

    told = [clock.read(stamps, asked=now - 1, now=now, wall=wall) for stamps, now, wall, _ in looks]

    assert told == [expected for *_, expected in looks]


async def test_a_connect_that_is_answered_or_refused_has_reached() -> None:
    with _refusing() as refusing:
        async with _answering("200 OK", "") as answering:
            reached = [await _dataplane().connect(LOOPBACK, port) for port in (answering, refusing)]

    assert reached == [True, True]


async def test_a_connect_over_ipv6_is_refused_by_a_closed_port() -> None:
    assert await _dataplane().connect(ip_address("::1"), 1)


async def test_a_connect_into_silence_has_not_reached() -> None:
    with _silent() as port:
        assert not await _dataplane().connect(LOOPBACK, port)


async def test_a_connect_without_a_route_has_not_reached() -> None:
    assert not await _dataplane().connect(ip_address("255.255.255.255"), 80)


async def test_a_connect_for_which_there_is_no_socket_has_not_reached() -> None:
    async with _answering("200 OK", "") as port:
        with no_descriptors():
            reached = await _dataplane().connect(LOOPBACK, port)

    assert not reached


async def test_health_is_asked_wherever_the_port_may_listen() -> None:
    async with _answering("200 OK", "{}", host="127.0.0.2") as port:
        healthy = [
            await _dataplane().healthy(port, hosts)
            for hosts in ((), ("127.0.0.2",), ("::1", "127.0.0.2"))
        ]

    assert healthy == [False, True, True]


async def test_a_service_without_an_endpoint_here_is_not_healthy() -> None:
    async with _answering("503 Service Unavailable", "{}") as port:
        assert not await _dataplane().healthy(port, ())
