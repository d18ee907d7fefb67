"""`porter why` in the twelve situations of the one table, with a directory for the cluster.

A real `porter run` and a router beside it, on loopback; each situation is made by editing files.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from conformance.situations import WEB, Situation, situations, world
from porter_ctl.cli.main import porter as command
from tests.porter_ctl.daemon import started
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

ADDRESS, ROUTER = "192.0.2.71", "127.0.0.1"
NODE = f"""\
apiVersion: v1
kind: Node
metadata: {{name: n1, labels: {{kubernetes.io/hostname: n1}}}}
status:
  addresses: [{{type: InternalIP, address: {ADDRESS}}}]
  conditions: [{{type: Ready, status: "True"}}]
"""
SITUATIONS = situations(world(node=ADDRESS, router=ROUTER, asn=65000))


class Told(dict[str, object]):
    """What `porter why -o json` said, and its exit status."""

    status: int

    @property
    def reason(self) -> str:
        headline = self["headline"]
        assert isinstance(headline, dict)
        return str(headline["reason"])


class Directory:
    """A `World` of files with `porter run` on it."""

    def __init__(self, folder: Path, process: started.Started, texts: Mapping[str, str]) -> None:
        self.folder = folder
        self.process = process
        self.texts = {**texts, "Node n1": NODE}
        self._here: dict[str, str] = dict(self.texts)

    def apply(self, subject: str, text: str) -> None:
        self._here[subject] = text
        draft = self.folder / ".draft"
        draft.write_text(text)
        draft.rename(self.folder / file_of(subject))

    def delete(self, subject: str) -> None:
        del self._here[subject]
        (self.folder / file_of(subject)).unlink()

    def mark_nodes(self, field: str, key: str) -> None:
        if field == "labels":
            text = NODE.replace("labels: {", f"labels: {{{key}: '', ")
        else:
            text = NODE.replace("name: n1,", f"name: n1, annotations: {{{key}: 'true'}},")
        self.apply("Node n1", text)

    def restore(self) -> None:
        """Have the good world again, and nothing else."""
        for subject in self._here.keys() - self.texts.keys():
            self.delete(subject)
        for subject, text in self.texts.items():
            if self._here.get(subject) != text:
                self.apply(subject, text)

    def why(self, what: str, *arguments: str) -> Told:
        done = run("why", what, "-o", "json", *arguments, "--control", str(self.process.control))
        told = Told(json.loads(done[1])) if done[1] else Told(headline={"reason": done[2]})
        told.status = done[0]
        return told

    async def until(self, what: str, reason: str) -> Told:
        """Ask until the answer has this reason."""
        told = Told()

        def right() -> bool:
            nonlocal told
            told = self.why(what)
            return told.reason == reason

        try:
            async with asyncio.timeout(started.SECONDS):
                while not await asyncio.to_thread(right):
                    pass
        except TimeoutError:
            raise AssertionError(told) from None
        return told

    def condition(self, service: str, kind: str) -> str:
        """The reason of a condition that Porter wrote."""
        path = self.folder / ".porter" / "Service" / f"{service.replace('/', '_')}.yaml"
        found = json.loads(path.read_text()) if path.exists() else {}
        conditions = found.get("status", {}).get("conditions", [])
        return next((one["reason"] for one in conditions if one["type"] == kind), "")

    def metric(self, service: str, reason: str) -> bool:
        """Whether the scraped page gives a Service this reason; a foreign one is but counted."""
        _, _, name = service.partition("/")
        wanted = {"namespace": "default", "service": name, "reason": reason}
        counted = {"reason": reason}
        samples = [
            (sample.name, sample.labels, sample.value)
            for family in text_string_to_metric_families(self.process.get("/metrics").text)
            for sample in family.samples
        ]
        if reason in {"ForeignClass", "AllPaths"}:
            return any(
                found[:2] == ("porter_service_decisions", counted) and found[2] >= 1
                for found in samples
            )
        return ("porter_service_reason", wanted, 1.0) in samples


def file_of(subject: str) -> str:
    return f"{subject.replace(' ', '-').replace('/', '_').lower()}.yaml"


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(command, arguments)
    return done.exit_code, done.stdout, done.stderr


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def directory(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Directory]:
    """The good world, announced."""
    base = tmp_path_factory.mktemp("why")
    folder = base / "manifests"
    folder.mkdir()
    async with started.router() as (_, port):
        peer = f"port: {port}, source: {{address: {started.NODE}}}, timers: {{holdSeconds: 9}}"
        texts = world(node=ADDRESS, router=ROUTER, asn=65000, peer=peer)
        (folder / file_of("Node n1")).write_text(NODE)
        for subject, text in texts.items():
            (folder / file_of(subject)).write_text(text)
        with started.porter(base, folder, "--node", "n1") as process:
            found = Directory(folder, process, texts)
            await eventually(found.process.control.is_socket, seconds=started.SECONDS)
            await found.until(WEB, "AllPaths")
            yield found


@pytest_asyncio.fixture(loop_scope="module")
async def played(directory: Directory) -> AsyncIterator[Directory]:
    """The good world, which is good again afterwards."""
    yield directory
    directory.restore()
    assert (await directory.until(WEB, "AllPaths")).status == 0


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_situation_is_told_with_code_sentence_and_remedy(
    played: Directory, name: str
) -> None:
    directory = played
    situation = situations(directory.texts)[name]
    for act in situation.first:
        act.do(directory)
    if situation.first:
        await directory.until(*situation.settled)
    for act in situation.acts:
        act.do(directory)

    told = await directory.until(situation.asked, situation.reason)
    check(told, situation)
    if situation.condition:
        await eventually(  # where another reason came first, a change of it waits half a minute
            lambda: directory.condition(situation.asked, situation.condition) == situation.reason,
            seconds=2 * started.SECONDS,
        )
    else:
        assert directory.condition(situation.asked, "porter.network/Allocated") == ""
    await eventually(
        lambda: directory.metric(situation.asked, situation.reason), seconds=started.SECONDS
    )


def check(told: Told, situation: Situation) -> None:
    """Code, sentence, remedy and exit status are as the table has them."""
    headline = told["headline"]
    assert isinstance(headline, dict)
    assert situation.says in str(headline["message"])
    assert situation.remedy in str(headline["remedy"])
    assert bool(headline["remedy"]) == (situation.reason != "AllPaths")
    assert told.status == situation.status


EDGES = {
    "no such Service": ("default/nobody", 1, "NoService"),
    "an address that has a Service": ("198.51.100.7", 0, "AllPaths"),
    "an address of a pool that nobody has": ("198.51.100.1", 1, "NotAllocated"),
    "an address of no pool": ("192.0.2.200", 1, "NoPool"),
}


@pytest.mark.parametrize(("what", "status", "reason"), EDGES.values(), ids=EDGES)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_no_service_has_an_answer_of_its_own(
    directory: Directory, what: str, status: int, reason: str
) -> None:
    told = await directory.until(what, reason)

    assert told.status == status


@pytest.mark.asyncio(loop_scope="module")
async def test_a_service_of_another_type_is_told_what_to_set(played: Directory) -> None:
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: inner}\nspec: {type: ClusterIP}\n"
    played.apply("Service default/inner", text)

    told = await played.until("default/inner", "NotLoadBalancer")
    assert told.status == 1
    assert told["verdicts"] == []


@pytest.mark.asyncio(loop_scope="module")
async def test_the_table_names_node_peer_and_prefix(directory: Directory) -> None:
    await directory.until(WEB, "AllPaths")
    control = ("--control", str(directory.process.control))
    status, text, _ = await asyncio.to_thread(run, "why", WEB, *control)
    _, other, _ = await asyncio.to_thread(run, "why", WEB, "--node", "n2", *control)

    lines = text.splitlines()
    assert status == 0
    assert lines[0].startswith("OK  default/web: AllPaths: default/web is announced: ")
    assert lines[-1].split()[:5] == ["n1", "198.51.100.7/32", "router", "yes", "AllPaths"]
    assert "router" not in other


@pytest.mark.asyncio(loop_scope="module")
async def test_the_shell_completes_services_and_addresses(directory: Directory) -> None:
    await directory.until(WEB, "AllPaths")
    words = f"porter why --control {directory.process.control} "
    environment = {"_PORTER_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "4"}
    done = await asyncio.to_thread(
        CliRunner().invoke, command, [], "porter", env=environment, prog_name="porter"
    )

    assert {"plain,198.51.100.7", "plain,default/web"} <= {*done.stdout.splitlines()}
