"""`porter_ctl.kube.lease`: one leads, and knows when it no longer does."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from porter_ctl.kube.lease import LeaseElection, LeaseTimings
from porter_ctl.store.port import Unavailable
from tests.porter_ctl.kube.fake_api import FakeApi, drop, refusal
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from porter_ctl.kube.client import KubeClient
    from tests.porter_ctl.kube.fake_api import Answer, Json, Object

BRIEF = LeaseTimings(duration=0.4, deadline=0.25, retry=0.04, standby=0.5, give_back=0.5)


class Kept:
    """One Lease, kept as an API server keeps it: a write of an old version is refused."""

    def __init__(self) -> None:
        self.lease: Object | None = None
        self.version = 0
        self.writes = 0
        self.instead: Answer | None = None

    @property
    def spec(self) -> Object:
        spec = self.lease["spec"] if self.lease else {}
        assert isinstance(spec, dict)
        return spec

    @property
    def holder(self) -> Json:
        return self.spec.get("holderIdentity")

    def put(self, body: Object) -> Object:
        self.version += 1
        metadata = body["metadata"]
        assert isinstance(metadata, dict)
        self.lease = {**body, "metadata": {**metadata, "resourceVersion": str(self.version)}}
        return self.lease

    def hold(self, holder: str, *, renewed: str, lasts: int = 1) -> None:
        """Somebody else writes."""
        spec: Object = {
            "holderIdentity": holder,
            "leaseDurationSeconds": lasts,
            "renewTime": renewed,
            "leaseTransitions": 4,
        }
        self.put({"metadata": {"name": "porter-allocator"}, "spec": spec})

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if self.instead:
            return await self.instead(request)
        if request.method == "GET":
            if self.lease is None:
                return await refusal(404, "NotFound")(request)
            return web.json_response(self.lease)
        body: Object = json.loads(await request.read())
        metadata = body["metadata"]
        assert isinstance(metadata, dict)
        if request.method == "POST" and self.lease is not None:
            return await refusal(409, "AlreadyExists")(request)
        if request.method == "PUT" and metadata.get("resourceVersion") != str(self.version):
            return await refusal(409, "Conflict")(request)
        self.writes += 1
        return web.json_response(self.put(body))


class Candidate:
    def __init__(
        self, client: KubeClient, identity: str, *, candidate: bool, timings: LeaseTimings
    ) -> None:
        self.election = LeaseElection(
            client,
            identity=identity,
            candidate=candidate,
            timings=timings,
            jitter=lambda: 0.5,
        )
        self.told: list[tuple[bool, float]] = []
        self.election.on_change = self.tell

    def tell(self, leading: bool) -> None:  # noqa: FBT001 - the shape of Leadership.on_change
        self.told.append((leading, asyncio.get_running_loop().time()))

    @property
    def changes(self) -> list[bool]:
        return [leading for leading, _ in self.told]


@contextlib.asynccontextmanager
async def seeking(
    client: KubeClient, identity: str, *, candidate: bool = True, timings: LeaseTimings = BRIEF
) -> AsyncIterator[Candidate]:
    found = Candidate(client, identity, candidate=candidate, timings=timings)
    task = asyncio.create_task(found.election.run())
    try:
        yield found
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def asked_again(api: FakeApi) -> None:
    before = len(api.asked)
    await eventually(lambda: len(api.asked) > before)


def keep(api: FakeApi) -> Kept:
    kept = Kept()
    api.always = kept
    return kept


async def test_where_there_is_no_lease_a_candidate_makes_it_and_leads(
    api: FakeApi, client: KubeClient
) -> None:
    kept = keep(api)
    async with seeking(client, "a") as a:
        await eventually(lambda: a.election.leading)
        held, path, spec = kept.holder, api.asked[0].path, dict(kept.spec)
        acquired = spec["acquireTime"]
        await eventually(lambda: kept.writes >= 4)

        assert a.election.leading
        assert kept.spec["acquireTime"] == acquired
        assert kept.spec["renewTime"] != acquired

    assert (held, spec["leaseTransitions"], spec["leaseDurationSeconds"]) == ("a", 0, 1)
    assert path == "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/porter-allocator"
    assert a.election.identity == "a"


async def test_the_lead_is_given_back_and_taken_at_once(api: FakeApi, client: KubeClient) -> None:
    kept = keep(api)
    async with seeking(client, "b") as b:
        await eventually(lambda: b.election.leading)
        async with seeking(client, "a") as a:
            await eventually(lambda: a.election.holder == "b")

        assert a.changes == []  # it looked, and it was not its to take
    gave_back = kept.holder, b.changes

    started = asyncio.get_running_loop().time()
    async with seeking(client, "a") as a:
        await eventually(lambda: a.election.leading)
        took = asyncio.get_running_loop().time() - started
        transitions = kept.spec["leaseTransitions"]

    assert gave_back == ("", [True, False])
    assert took < BRIEF.duration
    assert transitions == 1


async def test_whoever_died_is_succeeded_once_its_lease_stood_unchanged(
    api: FakeApi, client: KubeClient
) -> None:
    kept = keep(api)
    kept.hold("dead", renewed="1999-01-01T00:00:00.000000Z")  # by another clock long ago
    started = asyncio.get_running_loop().time()
    async with seeking(client, "b") as b:
        await eventually(lambda: b.election.leading)

        assert kept.spec["leaseTransitions"] == 5

    # leaseDurationSeconds of the one who died is 1
    assert b.told[0][1] - started >= 1.0


async def test_a_lease_that_changes_is_alive_whatever_its_times_say(
    api: FakeApi, client: KubeClient
) -> None:
    kept = keep(api)
    async with seeking(client, "b") as b:
        await eventually(lambda: b.election.leading)
        kept.hold("a", renewed="1999-01-01T00:00:00.000000Z")
        await eventually(lambda: not b.election.leading)
        started = asyncio.get_running_loop().time()
        for number in range(30):  # in all longer than any duration here
            kept.hold("a", renewed=f"1999-01-01T00:00:00.{number:06}Z")
            await asked_again(api)
        lasted = asyncio.get_running_loop().time() - started

        assert b.changes == [True, False]
        assert b.election.holder == "a"

    assert lasted > 1.0


async def test_a_server_that_hangs_ends_the_lead_at_the_deadline(
    api: FakeApi, client: KubeClient
) -> None:
    kept = keep(api)
    timings = LeaseTimings(duration=0.4, deadline=0.25, retry=30.0, standby=0.5, give_back=0.05)
    async with seeking(client, "a", timings=timings) as a:
        await eventually(lambda: a.election.leading)
        kept.instead = api.hang
        await eventually(lambda: not a.election.leading)
        await eventually(lambda: len(a.changes) == 2)

    assert a.changes == [True, False]
    assert 0.15 < a.told[1][1] - a.told[0][1] < timings.duration


async def test_cut_connections_end_the_lead_at_the_deadline_and_it_comes_back(
    api: FakeApi, client: KubeClient
) -> None:
    kept = keep(api)
    async with seeking(client, "a") as a:
        await eventually(lambda: a.election.leading)
        kept.instead = drop
        await eventually(lambda: len(a.changes) == 2)
        kept.instead = None
        await eventually(lambda: a.election.leading)

    assert a.changes == [True, False, True, False]
    assert kept.spec["leaseTransitions"] == 0  # nobody had it meanwhile


async def test_of_two_that_try_at_once_one_leads(api: FakeApi, client: KubeClient) -> None:
    kept = keep(api)
    async with seeking(client, "a") as a, seeking(client, "b") as b:
        await eventually(lambda: a.election.leading or b.election.leading)
        await eventually(lambda: kept.writes >= 5)

        assert a.election.leading != b.election.leading
        assert len(a.changes) + len(b.changes) == 1


async def test_who_is_no_candidate_stands_in_when_nobody_has_led_for_long(
    api: FakeApi, client: KubeClient
) -> None:
    kept = keep(api)
    started = asyncio.get_running_loop().time()
    async with seeking(client, "stand-in", candidate=False) as b:
        await eventually(lambda: b.election.leading)
        waited = asyncio.get_running_loop().time() - started

        assert kept.holder == "stand-in"

    assert waited >= BRIEF.standby


async def test_who_is_no_candidate_looks_rarely(api: FakeApi, client: KubeClient) -> None:
    kept = keep(api)
    kept.hold("dead", renewed="")
    rarely = LeaseTimings(duration=0.1, deadline=0.08, retry=0.01, standby=30.0, give_back=0.5)
    async with seeking(client, "stand-in", candidate=False, timings=rarely) as b:
        await eventually(lambda: b.election.holder == "dead")
        async with seeking(client, "candidate") as c:
            await eventually(lambda: c.election.leading)

        assert b.changes == []
        assert b.election.holder == "dead"  # it has not looked since


async def test_an_answer_that_is_no_lease_is_no_lead(api: FakeApi, client: KubeClient) -> None:
    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>")

    api.always = page
    async with seeking(client, "a") as a:
        await eventually(lambda: len(api.asked) > 3)

        assert not a.election.leading


async def test_a_refusal_is_told_once_and_no_lead(
    api: FakeApi, client: KubeClient, caplog: pytest.LogCaptureFixture
) -> None:
    api.always = refusal(403, "Forbidden", "leases is forbidden")
    async with seeking(client, "a") as a:
        await eventually(lambda: len(api.asked) > 3)

        assert not a.election.leading

    told = [record.message for record in caplog.records if record.name.endswith("lease")]
    assert len(told) == 1
    assert "leases is forbidden" in told[0]


@pytest.mark.parametrize("lasts", [0, -5, 10**9])
async def test_a_stranger_that_stands_still_is_succeeded_whatever_it_claims(
    api: FakeApi, client: KubeClient, monkeypatch: pytest.MonkeyPatch, lasts: int
) -> None:
    monkeypatch.setattr("porter_ctl.kube.lease._LONGEST", 0.6)
    kept = keep(api)
    kept.hold("somebody", renewed="2999-01-01T00:00:00.000000Z", lasts=lasts)
    started = asyncio.get_running_loop().time()
    async with seeking(client, "b") as b:
        await eventually(lambda: b.election.leading)

    assert b.told[0][1] - started >= BRIEF.duration


async def test_a_stranger_that_renews_is_waited_for_and_named(
    api: FakeApi, client: KubeClient, caplog: pytest.LogCaptureFixture
) -> None:
    kept = keep(api)
    kept.hold("cert-manager-7c9_5d0f", renewed="1")
    async with seeking(client, "b") as b:
        for number in range(20):
            kept.hold("cert-manager-7c9_5d0f", renewed=str(number))
            await asked_again(api)
        trouble = b.election.trouble
        with pytest.raises(Unavailable):
            b.election.fence()

        assert b.changes == []

    assert trouble == (
        "the Lease kube-system/porter-allocator is held by 'cert-manager-7c9_5d0f', which is no"
        " Porter: no Service is given an address until it ends; end it, or delete the Lease"
    )
    told = {r.message for r in caplog.records if "cert-manager" in r.message}
    assert told == {f"election: {trouble}"}


async def test_another_porter_that_leads_is_no_trouble(api: FakeApi, client: KubeClient) -> None:
    kept = keep(api)
    kept.hold("5f3c0d1e-1111-2222-3333-444455556666_00112233445566ff", renewed="1")
    async with seeking(client, "b") as b:
        await eventually(lambda: b.election.holder != "")

        assert b.election.trouble == ""


async def test_a_server_that_refuses_is_a_trouble_until_it_does_not(
    api: FakeApi, client: KubeClient
) -> None:
    api.always = refusal(403, "Forbidden", "leases is forbidden")
    async with seeking(client, "a") as a:
        await eventually(lambda: a.election.trouble != "")
        refused = a.election.trouble
        keep(api)
        await eventually(lambda: a.election.leading)

        assert "leases is forbidden" in refused
        assert a.election.trouble == ""


async def test_the_fence_tells_how_long_we_lead(api: FakeApi, client: KubeClient) -> None:
    keep(api)
    async with seeking(client, "a") as a:
        await eventually(lambda: a.election.leading)

        assert 0 < a.election.fence() <= BRIEF.deadline


async def test_a_lease_stands_unchanged_from_when_its_answer_came(
    api: FakeApi, client: KubeClient
) -> None:
    kept = keep(api)
    kept.hold("dead", renewed="1", lasts=1)
    timings = LeaseTimings(duration=1.0, deadline=0.8, retry=0.6, standby=5.0, give_back=0.5)
    waited = 0.0

    async def slow(request: web.Request) -> web.StreamResponse:
        nonlocal waited
        kept.instead = None
        await asyncio.sleep(0.5)
        waited = asyncio.get_running_loop().time()
        return await kept(request)

    kept.instead = slow
    async with seeking(client, "b", timings=timings) as b:
        await eventually(lambda: b.election.leading)

    assert b.told[0][1] - waited >= timings.duration


async def test_the_name_of_the_lease_can_be_another_for_tests(
    api: FakeApi, client: KubeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTER_LEASE_NAME", "porter-allocator-b")
    keep(api)
    async with seeking(client, "a") as a:
        await eventually(lambda: a.election.leading)

    assert api.asked[0].path.endswith("/leases/porter-allocator-b")
