"""`porter_ctl.kube.recorder`: people are told, the API server is not loaded."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from porter_ctl.api import Kind, ObjectRef
from porter_ctl.kube import recorder as recorder_module
from porter_ctl.kube.recorder import Recorder
from porter_ctl.store.port import KubeEvent
from tests.porter_ctl.kube.fake_api import refusal, reply

if TYPE_CHECKING:
    from porter_ctl.kube.client import KubeClient
    from tests.porter_ctl.kube.fake_api import FakeApi

HAPPENED = KubeEvent(
    regarding=ObjectRef(Kind.SERVICE, "default", "web"),
    uid="u1",
    type="Normal",
    reason="Allocated",
    note="192.0.2.1 from pool blue",
    action="Allocate",
)


@pytest.fixture
def recorder(client: KubeClient) -> Recorder:
    return Recorder(client, instance="porter-x7k2p")


async def test_an_event_stands_beside_the_object_it_is_about(
    api: FakeApi, recorder: Recorder
) -> None:
    api.always = reply(201, {})
    await recorder.emit(HAPPENED)

    asked = api.asked[0]
    assert (asked.method, asked.path) == (
        "POST",
        "/apis/events.k8s.io/v1/namespaces/default/events",
    )
    assert asked.body["regarding"] == {
        "apiVersion": "v1",
        "kind": "Service",
        "name": "web",
        "namespace": "default",
        "uid": "u1",
    }
    assert asked.body["reportingController"] == "porter.network/porter"
    assert asked.body["reportingInstance"] == "porter-x7k2p"


async def test_an_event_about_a_cluster_wide_object_stands_in_default(
    api: FakeApi, recorder: Recorder
) -> None:
    api.always = reply(201, {})
    pool = ObjectRef(Kind.VIP_POOL, "", "blue")
    await recorder.emit(dataclasses.replace(HAPPENED, regarding=pool, note="x" * 5000))

    body = api.asked[0].body
    assert api.asked[0].path.split("/")[5] == "default"
    assert isinstance(body["regarding"], dict)
    assert body["regarding"]["apiVersion"] == "porter.network/v1beta1"
    assert body["regarding"]["namespace"] == "default"
    assert body["note"] == "x" * 1024


async def test_the_same_again_is_a_series_of_the_first(api: FakeApi, recorder: Recorder) -> None:
    api.always = reply(201, {})
    for _ in range(3):
        await recorder.emit(HAPPENED)
    await recorder.emit(dataclasses.replace(HAPPENED, note="another one"))

    assert [asked.method for asked in api.asked] == ["POST", "PATCH", "PATCH", "POST"]
    series = api.asked[2].body["series"]
    assert isinstance(series, dict)
    assert series["count"] == 3


async def test_a_series_the_server_forgot_is_begun_again(api: FakeApi, recorder: Recorder) -> None:
    api.script = [reply(201, {}), refusal(404, "NotFound"), reply(201, {}), reply(200, {})]
    for _ in range(3):
        await recorder.emit(HAPPENED)

    assert [asked.method for asked in api.asked] == ["POST", "PATCH", "POST", "PATCH"]
    assert recorder.lost == 0


async def test_a_burst_about_one_object_is_cut_and_others_are_still_heard(
    api: FakeApi, recorder: Recorder
) -> None:
    api.always = reply(201, {})
    for number in range(40):
        await recorder.emit(dataclasses.replace(HAPPENED, note=str(number)))
    other = ObjectRef(Kind.SERVICE, "default", "other")
    await recorder.emit(dataclasses.replace(HAPPENED, regarding=other))

    assert len(api.asked) == 26
    assert recorder.lost == 15


@pytest.mark.parametrize("code", [403, 404, 422, 500])
async def test_an_event_that_cannot_be_written_is_lost_in_silence(
    api: FakeApi, recorder: Recorder, code: int
) -> None:
    api.always = refusal(code, "", "no")
    for _ in range(3):
        await recorder.emit(HAPPENED)

    assert len(api.asked) == 1
    assert recorder.lost == 3


async def test_what_is_remembered_stays_bounded(
    api: FakeApi, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "_KEPT", 4)
    api.always = reply(201, {})
    for number in range(20):
        about = ObjectRef(Kind.SERVICE, "default", f"s{number}")
        await recorder.emit(dataclasses.replace(HAPPENED, regarding=about))

    assert len(recorder._series) <= 4
    assert len(recorder._budgets) <= 4
    assert recorder.lost == 0
