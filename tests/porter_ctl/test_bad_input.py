"""Bad inputs of the one table, from files: `porter run --manifests` and `porter validate`.

The directory has all bad objects that are new in it at once, and an edit of a good one at a time.
A router beside it has the route of the good Service all the while, and hears nothing else.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from click.testing import CliRunner

from conformance.bad_inputs import BAD
from conformance.manifests import VIP, Bad, good
from porter_bgp.wire import Prefix
from porter_ctl.cli.main import porter as command
from tests.porter_ctl.daemon import started
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from porter_bgp.speaker.speaker import Speaker

ADDRESS, ROUTER = "192.0.2.71", "127.0.0.1"
ROUTE = Prefix.parse(f"{VIP}/32")
FIRST = "first.yaml"  # by its name before all others: of one object in two files it counts
NODE = f"""\
apiVersion: v1
kind: Node
metadata: {{name: n1, labels: {{kubernetes.io/hostname: n1}}}}
status: {{addresses: [{{type: InternalIP, address: {ADDRESS}}}]}}
"""
PLACED = {name: row.at(node=ADDRESS, router=ROUTER) for name, row in BAD.items()}


def world(port: int = 179) -> Mapping[str, str]:
    """The good world and its node, by kind and name."""
    peer = f"port: {port}, source: {{address: {started.NODE}}}, timers: {{holdSeconds: 9}}"
    return {"Node n1": NODE, **good(node=ADDRESS, router=ROUTER, asn=65000, peer=peer)}


def file_of(name: str) -> str:
    return f"good-{name.replace(' ', '-').replace('/', '_').lower()}.yaml"


def edits(row: Bad) -> bool:
    """Whether it is about an object that is there and in use."""
    return row.subject in GOOD or row.name == VIP


GOOD = world()
NEW = {name: row for name, row in PLACED.items() if row.subject and not edits(row)}
EDITS = {name: row for name, row in PLACED.items() if edits(row)}
TEXTS = {name: row for name, row in PLACED.items() if not row.subject}


class Lab:
    """A directory with `porter run` on it, and a router.

    Args:
        folder: Where the directory is.
        process: The daemon.
        router: Which has the route of the good Service.
        texts: The good world.
    """

    def __init__(
        self, folder: Path, process: started.Started, router: Speaker, texts: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self.process = process
        self.router = router
        self.texts = texts
        self.heard = 0

    def write(self, file: str, text: str) -> None:
        draft = self.folder / f".{file}"
        draft.write_text(text)
        draft.rename(self.folder / file)

    def own(self, kind: str, name: str) -> dict[str, object]:
        """What Porter keeps of an object."""
        path = self.folder / ".porter" / kind / f"{name.replace('/', '_')}.yaml"
        found: dict[str, object] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def condition(self, row: Bad) -> tuple[str, str, str]:
        """Status, reason and message of the condition that the row is about."""
        status = self.own(row.kind, row.name).get("status")
        conditions = status.get("conditions", []) if isinstance(status, dict) else []
        for one in conditions:
            if one["type"] == row.condition:
                return one["status"], one["reason"], one["message"]
        return "", "", ""

    async def faults(self, kind: str, name: str) -> list[tuple[str, str]]:
        """Reason and sentence of what `porter status` says of an object, or of a file."""
        told = await asyncio.to_thread(run, "status", "-o", "json", "--control", self.control)
        rows = [
            one
            for one in json.loads(told[1])["faults"]
            if (one["kind"], one["name"]) == (kind, name)
        ]
        return [
            (
                one["reason"],
                ": ".join(part for part in (one["path"], one["message"]) if part)
                + (f"; {one['remedy']}" if one["remedy"] else ""),
            )
            for one in rows
        ]

    @property
    def control(self) -> str:
        return str(self.process.control)

    def settle(self) -> None:
        """Take what the router has heard so far as all that it shall hear."""
        self.heard = self.updates

    @property
    def updates(self) -> int:
        return self.router.view().peers["node"].received_messages["UPDATE"]

    @property
    def disturbance(self) -> dict[str, object]:
        """What is not as it was: the route at the router, on its first session, told only once."""
        self.router.take_received()
        peer = self.router.view().peers["node"]
        wanted = {"established": True, "flaps": 0, "heard": self.heard, "paths": 1}
        found = {
            "established": peer.established,
            "flaps": peer.flaps,
            "heard": self.updates,
            "paths": len(self.router.paths(ROUTE)),
        }
        return {name: value for name, value in found.items() if value != wanted[name]}


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, arguments)
    return done.exit_code, done.stdout


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """The good world announced, and then every bad object that is new put beside it."""
    base = tmp_path_factory.mktemp("bad-input")
    folder = base / "manifests"
    folder.mkdir()
    async with started.router() as (router, port):
        texts = world(port)
        for name, text in texts.items():
            (folder / file_of(name)).write_text(text)
        with started.porter(base, folder, "--node", "n1") as process:
            found = Lab(folder, process, router, texts)
            await eventually(lambda: complete(router), seconds=started.SECONDS)
            found.settle()
            for number, row in enumerate(NEW.values()):
                found.write(f"new-{number:02}.yaml", row.text)
            yield found


def complete(router: Speaker) -> bool:
    """Whether the router has everything that the node has to say."""
    families = router.view().peers["node"].families.values()
    router.take_received()
    ended = bool(families) and all(one.end_of_rib_received for one in families)
    return ended and len(router.paths(ROUTE)) == 1


def rows(table: Mapping[str, Bad]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", table.values(), ids=table.keys())


def message(row: Bad) -> str:
    """What the condition Accepted says."""
    kept = "the last accepted spec stays in use" if edits(row) else "nothing of it is in use"
    if row.kind == "VIP":
        kept = "who has the address keeps it, and nobody else gets it"
    return ". ".join((*row.sentences, kept))


def is_told(lab: Lab, row: Bad) -> bool:
    status, reason, text = lab.condition(row)
    right = row.says in text if row.between else text == message(row)
    return (status, reason) == ("False", row.reason) and right


@rows(NEW)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_bad_object_in_a_directory_is_told_of_and_disturbs_nothing(
    lab: Lab, row: Bad
) -> None:
    await eventually(lambda: is_told(lab, row), seconds=started.SECONDS)

    assert await lab.faults(row.kind, row.name) == row.faults
    assert lab.disturbance == {}


@rows(EDITS)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_bad_edit_in_a_directory_is_told_of_and_what_was_accepted_stays(
    lab: Lab, row: Bad
) -> None:
    file = file_of(row.subject)
    lab.write(file, row.text)

    await eventually(lambda: is_told(lab, row), seconds=started.SECONDS)
    assert await lab.faults(row.kind, row.name) == row.faults
    assert lab.disturbance == {}

    if row.subject in lab.texts:
        lab.write(file, lab.texts[row.subject])
    else:
        (lab.folder / file).unlink()
    await eventually(lambda: lab.condition(row)[0] == "True", seconds=started.SECONDS)
    assert await lab.faults(row.kind, row.name) == []
    assert lab.disturbance == {}


@rows(TEXTS)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_bad_text_in_a_directory_is_told_of_with_its_line(lab: Lab, row: Bad) -> None:
    says = row.says.replace("FIRST", f"{file_of('VIPPool lab')}, line 1")
    lab.write("text.yaml", row.text)

    async with asyncio.timeout(started.SECONDS):
        while not (faults := await lab.faults("File", "text.yaml")):
            pass
    assert faults == [("Invalid", f"line {row.line}: {says}")]
    assert lab.disturbance == {}

    (lab.folder / "text.yaml").unlink()
    async with asyncio.timeout(started.SECONDS):
        while await lab.faults("File", "text.yaml"):
            pass
    assert lab.disturbance == {}


@pytest.mark.asyncio(loop_scope="module")
async def test_a_good_edit_is_heard_and_good_objects_are_accepted(lab: Lab) -> None:
    def communities() -> set[int]:
        lab.router.take_received()
        return {one for path in lab.router.paths(ROUTE) for one in path.attributes.communities}

    before = communities()
    file = file_of("BGPAdvertisement all")
    lab.write(file, lab.texts["BGPAdvertisement all"].replace("65000:100", "65000:200"))
    await eventually(lambda: communities() == {65000 << 16 | 200}, seconds=started.SECONDS)
    heard = lab.updates - lab.heard
    lab.write(file, lab.texts["BGPAdvertisement all"])
    await eventually(lambda: communities() == before, seconds=started.SECONDS)
    lab.settle()

    assert heard == 1
    assert before == {65000 << 16 | 100}
    for name in lab.texts:
        kind, _, key = name.partition(" ")
        if kind not in {"Node", "Service", "EndpointSlice"}:
            row = Bad(subject=name, says="")
            await eventually(lambda: lab.condition(row)[0] == "True", seconds=started.SECONDS)  # noqa: B023 - awaited here
            assert await lab.faults(kind, key) == []


# porter validate


def place(folder: Path) -> str:
    """The file of the good world."""
    path = folder / FIRST
    path.write_text("---\n".join(GOOD.values()))
    return str(path)


@rows(PLACED)
def test_validate_says_it_in_one_line(tmp_path: Path, row: Bad) -> None:
    good_file, bad_file = place(tmp_path), tmp_path / "bad.yaml"
    bad_file.write_text(row.text)
    alone = bool(row.subject) and not row.between

    status, told = run("validate", *(["--alone"] if alone else [good_file]), str(bad_file))

    first = f"{good_file}:{line_of('VIPPool lab')}"
    begin = f"{bad_file}:{row.line}: {f'{row.subject}: ' if row.subject else ''}"
    assert status == 1
    if "FIRST" in row.says:
        says = row.says.replace("FIRST", first).replace("lab stands", "lab: it stands")
        assert told == f"{begin}{says}\n"
    else:
        assert told == "".join(f"{begin}{one}\n" for one in row.sentences)


def line_of(name: str) -> int:
    """Where an object begins in the file of the good world."""
    before = "---\n".join(GOOD.values()).partition(GOOD[name])[0]
    return before.count("\n") + 1


@pytest.mark.parametrize("name", GOOD)
def test_validate_says_nothing_of_a_good_document(tmp_path: Path, name: str) -> None:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD[name])

    assert run("validate", "--alone", str(path)) == (0, "")


def test_validate_says_nothing_of_the_good_world(tmp_path: Path) -> None:
    assert run("validate", place(tmp_path)) == (0, "")
