"""`porter_ctl.record.journal`: the file is right at every moment, or it is not there."""

from __future__ import annotations

import os
import resource
import stat
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from porter_bgp.rib import RouteAttributes
from porter_ctl.record.journal import CONFIRM_INTERVAL, LAG, RETRY, RETRY_TOO_LONG, Journal
from porter_ctl.record.last_good import LastGood
from tests.support.kept import AT, BOOT, LAST, NODE, RICH, SPEAKER, paths, peer, prefix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PEERS = {"tor-1": peer(1), "tor-2": peer(2, b"secret")}
BOTH = paths("tor-1", "tor-2")
WEB = frozenset({"web"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def opened(folder: Path, *, node: str = NODE, limit: int = 1 << 20) -> Journal:
    return Journal(folder / "last-good", folder / "passwords", node=node, boot_id=BOOT, limit=limit)


def begun(folder: Path) -> Journal:
    """A journal with a file that says: two peers, three prefixes to both."""
    journal = opened(folder)
    journal.configure(SPEAKER, PEERS, 0.0)
    journal.confirm(AT, 0.0)
    for number in (1, 2, 3):
        journal.put(prefix(number), BOTH, WEB, 0.0)
    journal.flush(0.0)
    return journal


def loaded(folder: Path) -> LastGood:
    """What another process would go on from."""
    good = opened(folder).load(AT)
    assert isinstance(good, LastGood), good
    return good


def refused(folder: Path) -> str:
    why = opened(folder).load(AT)
    assert isinstance(why, str)
    return why


def test_what_was_told_is_what_the_next_process_finds(folder: Path) -> None:
    journal = begun(folder)

    assert journal.trouble == ""
    assert loaded(folder) == LastGood(
        node=NODE,
        boot_id=BOOT,
        confirmed_at=AT,
        speaker=SPEAKER,
        peers=PEERS,
        paths={prefix(number): BOTH for number in (1, 2, 3)},
        served={prefix(number): WEB for number in (1, 2, 3)},
    )
    assert set(journal.prefixes()) == {prefix(1), prefix(2), prefix(3)}


def test_only_the_owner_may_read_either_file(folder: Path) -> None:
    begun(folder)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"last-good": 0o600, "passwords": 0o600}


def test_an_addition_lags_a_second_and_no_longer(folder: Path) -> None:
    journal = begun(folder)

    journal.put(prefix(4), BOTH, WEB, 100.0)
    before = loaded(folder)
    deadline = journal.next_deadline()
    journal.handle_timeout(100.0 + LAG / 2)
    early = loaded(folder)
    journal.handle_timeout(100.0 + LAG)

    assert deadline == 100.0 + LAG
    assert prefix(4) not in before.paths
    assert prefix(4) not in early.paths
    assert loaded(folder).paths[prefix(4)] == BOTH
    assert journal.next_deadline() is None


def test_a_removal_does_not_lag_and_takes_along_what_came_before(folder: Path) -> None:
    journal = begun(folder)

    journal.put(prefix(4), BOTH, WEB, 100.0)
    journal.remove(prefix(1), 100.0)

    assert loaded(folder).paths.keys() == {prefix(2), prefix(3), prefix(4)}


@pytest.mark.parametrize(
    ("after", "there"),
    [({}, False), (paths("tor-2"), True), (paths("tor-1", attributes=RICH), True)],
)
def test_a_peer_that_loses_a_prefix_loses_it_at_once(
    folder: Path,
    after: dict[str, object],
    there: bool,  # noqa: FBT001 - a column
) -> None:
    journal = begun(folder)

    journal.put(prefix(1), dict.fromkeys(after, BOTH["tor-1"]), WEB, 100.0)

    assert (prefix(1) in loaded(folder).paths) == there
    assert set(loaded(folder).paths.get(prefix(1), {})) == set(after)


def test_one_of_several_paths_to_a_peer_that_goes_goes_at_once(folder: Path) -> None:
    journal = begun(folder)
    two = {"tor-1": (BOTH["tor-1"][0], BOTH["tor-1"][0]._replace(path_id=7))}
    journal.put(prefix(1), two, WEB, 100.0)
    journal.flush(100.0)

    journal.put(prefix(1), {"tor-1": two["tor-1"][:1]}, WEB, 101.0)

    assert loaded(folder).paths[prefix(1)] == paths("tor-1")


def test_other_attributes_may_lag_and_a_repetition_says_nothing(folder: Path) -> None:
    journal = begun(folder)

    journal.put(prefix(1), BOTH, WEB, 100.0)
    quiet = journal.next_deadline()
    journal.put(prefix(1), paths("tor-1", "tor-2", attributes=LAST), WEB, 100.0)

    assert quiet is None
    assert loaded(folder).paths[prefix(1)] == BOTH
    journal.handle_timeout(102.0)
    assert loaded(folder).paths[prefix(1)] == paths("tor-1", "tor-2", attributes=LAST)


def test_a_removal_of_what_is_not_there_writes_nothing(folder: Path) -> None:
    journal = begun(folder)
    before = (folder / "last-good").read_bytes()

    journal.remove(prefix(9), 100.0)

    assert (folder / "last-good").read_bytes() == before


def test_a_configuration_is_there_at_once_and_peers_that_go_take_their_paths(folder: Path) -> None:
    journal = begun(folder)

    journal.configure(SPEAKER, {"tor-1": peer(1)}, 100.0, last="LastDraining")
    without = loaded(folder)
    journal.configure(SPEAKER, PEERS, 100.0)
    back = loaded(folder)

    assert without.peers == {"tor-1": peer(1)}
    assert without.last == "LastDraining"
    assert {name for one in without.paths.values() for name in one} == {"tor-1"}
    assert back.peers == PEERS
    assert {name for one in back.paths.values() for name in one} == {"tor-1"}


def test_an_equal_configuration_writes_nothing(folder: Path) -> None:
    journal = begun(folder)
    before = (folder / "last-good").read_bytes()

    journal.configure(SPEAKER, dict(PEERS), 100.0)

    assert (folder / "last-good").read_bytes() == before


def test_confirmations_are_a_minute_apart(folder: Path) -> None:
    journal = begun(folder)

    journal.confirm(AT + CONFIRM_INTERVAL - 1, 100.0)
    journal.flush(100.0)
    early = loaded(folder).confirmed_at
    journal.confirm(AT + CONFIRM_INTERVAL, 101.0)
    journal.flush(101.0)

    assert early == AT
    assert loaded(folder).confirmed_at == AT + CONFIRM_INTERVAL


def test_the_next_process_goes_on_where_the_last_was_killed_in_the_middle(folder: Path) -> None:
    begun(folder)
    with (folder / "last-good").open("ab") as file:
        file.write(b'01234567 {"type":"rem')

    journal = opened(folder)
    journal.load(AT)
    journal.remove(prefix(1), 0.0)
    journal.put(prefix(4), BOTH, WEB, 0.0)
    journal.flush(0.0)

    assert loaded(folder).paths.keys() == {prefix(2), prefix(3), prefix(4)}


def test_a_changed_password_is_kept_and_a_lost_file_of_them_leaves_peers_out(folder: Path) -> None:
    journal = begun(folder)

    journal.configure(SPEAKER, PEERS | {"tor-2": peer(2, b"other")}, 100.0)
    changed = loaded(folder)
    (folder / "passwords").write_bytes(b"[]")
    spoilt = loaded(folder)
    (folder / "passwords").unlink()

    assert changed.peers["tor-2"].tcp.md5_password == b"other"
    assert spoilt == loaded(folder)
    assert spoilt.peers.keys() == {"tor-1"}
    assert spoilt.left_out.keys() == {"tor-2"}


@pytest.mark.parametrize("kept", [b'{"tor-2":""}', b'{"tor-2":"' + b"AAAA" * 40 + b'"}'])
def test_what_can_be_no_password_is_none(folder: Path, kept: bytes) -> None:
    begun(folder)
    (folder / "passwords").write_bytes(kept)

    assert loaded(folder).left_out.keys() == {"tor-2"}


# What cannot be used


def test_nothing_kept_is_said_to_be_so(folder: Path) -> None:
    assert refused(folder) == f"{folder}/last-good is not there: nothing was kept"


def test_a_refusal_names_the_file_what_is_wrong_and_the_remedy(folder: Path) -> None:
    begun(folder)

    why = opened(folder, node="node-b").load(AT)

    assert why == (
        f"{folder}/last-good is not used: it is of Node/node-a, and this is Node/node-b; "
        "give every node a state directory of its own"
    )


def test_a_file_that_is_too_long_is_not_read(folder: Path) -> None:
    with (folder / "last-good").open("wb") as file:
        file.truncate(1 << 30)

    assert "is not used: it is longer than 1048576 octets; there is nothing" in refused(folder)


def test_what_is_no_file_is_not_read(folder: Path) -> None:
    (folder / "last-good").mkdir()

    assert "cannot be read: Is a directory; look at the state directory" in refused(folder)


def test_a_file_that_was_refused_is_gone_with_the_first_thing_that_is_lost(folder: Path) -> None:
    begun(folder)

    other = opened(folder, node="node-b")
    other.load(AT)
    there = (folder / "last-good").exists()
    other.configure(SPEAKER, PEERS, 0.0)

    assert there
    assert not (folder / "last-good").exists()


# Writing anew


def test_a_worn_file_is_written_anew(folder: Path) -> None:
    journal = begun(folder)
    flap(journal, 1000)
    journal.handle_timeout(2.0)
    worn = (folder / "last-good").read_bytes()
    flap(journal, 100)
    journal.remove(prefix(2), 3.0)

    journal.handle_timeout(4.0)
    fresh = (folder / "last-good").read_bytes()
    journal.put(prefix(3), paths("tor-1", "tor-2", attributes=LAST), WEB, 5.0)
    journal.put(prefix(8), BOTH, WEB, 5.0)
    journal.flush(5.0)

    assert worn.count(b"\n") > 1000
    assert fresh.count(b"\n") < 8
    assert loaded(folder).paths == {
        prefix(1): paths("tor-1", "tor-2", attributes=RICH),
        prefix(3): paths("tor-1", "tor-2", attributes=LAST),
        prefix(8): BOTH,
    }
    assert sorted(path.name for path in folder.iterdir()) == ["last-good", "passwords"]


def flap(journal: Journal, times: int) -> None:
    for turn in range(times):
        there = paths("tor-1", "tor-2", attributes=(LAST, RICH)[turn % 2])
        journal.put(prefix(1), there, WEB, 1.0)


def drift(journal: Journal, turns: range, now: float = 1.0) -> None:
    """Prefix 1 goes with other attributes every time."""
    for turn in turns:
        journal.put(prefix(1), paths("tor-1", attributes=RouteAttributes(med=turn)), WEB, now)


def test_paths_that_come_and_go_wear_a_file_too(folder: Path) -> None:
    journal = begun(folder)

    for second in range(20):
        drift(journal, range(second * 100, second * 100 + 100))
        journal.handle_timeout(2.0 + second)

    assert (folder / "last-good").read_bytes().count(b"\n") < 1300
    assert len(journal._state.sets) < 700
    assert loaded(folder).paths[prefix(1)] == paths("tor-1", attributes=RouteAttributes(med=1999))


def test_paths_that_are_gone_leave_memory_also_while_nothing_is_written(folder: Path) -> None:
    journal = begun(folder)

    drift(journal, range(2000))
    remembered = (len(journal._state.sets), len(journal._numbers))
    journal.flush(2.0)

    assert max(remembered) < 1100
    assert loaded(folder).paths == {
        prefix(1): paths("tor-1", attributes=RouteAttributes(med=1999)),
        prefix(2): BOTH,
        prefix(3): BOTH,
    }


def test_what_is_told_while_it_is_written_anew_is_in_the_new_file_and_in_the_old(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("porter_ctl.record.rewrite.SLICE", 1)
    monkeypatch.setattr("porter_ctl.record.journal._FEW", -100)
    journal = begun(folder)
    journal.put(prefix(4), BOTH, WEB, 10.0)

    journal.handle_timeout(11.0)  # begins, and writes a slice
    journal.remove(prefix(1), 11.0)
    journal.put(prefix(5), paths("tor-1", attributes=RICH), WEB, 11.0)
    old = loaded(folder)
    due = journal.next_deadline()
    for _ in range(5):
        journal.handle_timeout(11.0)

    assert due == 11.0
    assert old.paths.keys() == {prefix(2), prefix(3), prefix(4)}
    assert loaded(folder).paths.keys() == {prefix(2), prefix(3), prefix(4), prefix(5)}


def test_closing_amid_a_rewriting_leaves_the_old_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("porter_ctl.record.rewrite.SLICE", 1)
    monkeypatch.setattr("porter_ctl.record.journal._FEW", -100)
    journal = begun(folder)
    journal.put(prefix(4), BOTH, WEB, 10.0)
    journal.handle_timeout(11.0)

    journal.close()

    assert len(loaded(folder).paths) == 4
    assert sorted(path.name for path in folder.iterdir()) == ["last-good", "passwords"]


# Disks that fail


@contextmanager
def full(octets: int) -> Iterator[None]:
    """No file may grow beyond so many octets: writes fail, or are cut short, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 10])
def test_an_addition_that_cannot_be_written_leaves_the_file_and_follows_later(
    folder: Path, room: int
) -> None:
    journal = begun(folder)
    size = (folder / "last-good").stat().st_size
    journal.put(prefix(4), BOTH, WEB, 10.0)

    with full(size + room):
        journal.handle_timeout(11.0)
    trouble, kept = journal.trouble, loaded(folder)
    journal.handle_timeout(11.0 + RETRY)

    assert f"{folder}/last-good cannot be written: " in trouble
    assert "it lacks what was announced since" in trouble
    assert len(kept.paths) == 3
    assert len(loaded(folder).paths) == 4
    assert journal.trouble == ""


def test_a_full_disk_to_which_only_additions_come_does_not_fill_memory(folder: Path) -> None:
    journal = begun(folder)
    most = 0

    with full((folder / "last-good").stat().st_size):
        for turn in range(40):
            drift(journal, range(turn * 100, turn * 100 + 100), now=10.0 + turn)
            journal.handle_timeout(10.0 + turn)
            most = max(most, len(journal._pending))
        trouble, there = journal.trouble, (folder / "last-good").exists()
    journal.handle_timeout(100.0)

    assert most < 1300
    assert "cannot be written" in trouble
    assert not there
    assert loaded(folder).paths[prefix(1)] == paths("tor-1", attributes=RouteAttributes(med=3999))
    assert journal.trouble == ""


@pytest.mark.parametrize("room", [0, 10])
def test_a_removal_that_cannot_be_written_takes_the_file_along(folder: Path, room: int) -> None:
    journal = begun(folder)
    size = (folder / "last-good").stat().st_size

    with full(size + room):
        journal.remove(prefix(1), 10.0)
        there = (folder / "last-good").exists()
        journal.remove(prefix(2), 10.0)
    trouble = journal.trouble
    journal.handle_timeout(10.0 + RETRY)

    assert not there
    assert trouble.endswith("a restart while the API server is away announces nothing")
    assert loaded(folder).paths.keys() == {prefix(3)}
    assert journal.trouble == ""


def test_a_disk_that_stays_full_is_tried_again_and_again(folder: Path) -> None:
    journal = begun(folder)

    with full(100):
        journal.remove(prefix(1), 10.0)
        for turn in range(1, 4):
            journal.handle_timeout(10.0 + turn * RETRY)
        trouble, due = journal.trouble, journal.next_deadline()
        names = [path.name for path in folder.iterdir()]
    journal.flush(100.0)

    assert "cannot be written anew" in trouble
    assert due == 10.0 + 4 * RETRY
    assert names == ["passwords"]
    assert len(loaded(folder).paths) == 2


def test_a_removal_after_the_state_directory_went_is_no_death(folder: Path) -> None:
    journal = begun(folder)
    (folder / "last-good").unlink()
    (folder / "passwords").unlink()
    folder.rmdir()

    journal.remove(prefix(1), 10.0)
    journal.configure(SPEAKER, PEERS | {"tor-2": peer(2, b"other")}, 10.0)
    journal.flush(10.0)

    assert not folder.exists()
    assert "passwords cannot be written: No such file or directory" in journal.trouble


def test_a_file_that_can_neither_be_emptied_nor_removed_is_said_to_be_dangerous(
    folder: Path,
) -> None:
    journal = begun(folder)
    assert journal._file is not None
    os.close(journal._file._descriptor)
    (folder / "last-good").unlink()
    (folder / "last-good").mkdir()

    journal.remove(prefix(1), 10.0)

    assert "it may hold paths that are gone, so remove it before Porter starts again" in (
        journal.trouble
    )
    (folder / "last-good").rmdir()
    journal.flush(11.0)
    assert journal.trouble == ""
    assert len(loaded(folder).paths) == 2


def test_passwords_that_cannot_be_kept_are_tried_again(folder: Path) -> None:
    (folder / "passwords.new").mkdir()

    journal = begun(folder)
    trouble, without = journal.trouble, loaded(folder)
    (folder / "passwords.new").rmdir()
    journal.put(prefix(4), BOTH, WEB, 10.0)
    journal.handle_timeout(11.0)

    assert "passwords cannot be written: Is a directory; peers that have a password have" in trouble
    assert without.left_out.keys() == {"tor-2"}
    assert journal.trouble == ""
    assert loaded(folder).peers == PEERS


def test_more_than_a_file_may_hold_is_not_kept_at_all(folder: Path) -> None:
    begun(folder)
    size = (folder / "last-good").stat().st_size
    journal = opened(folder, limit=size + 100)
    journal.load(AT)
    for number in range(4, 50):
        journal.put(prefix(number), BOTH, WEB, 10.0)

    journal.handle_timeout(11.0)

    assert not (folder / "last-good").exists()
    assert "cannot be written anew: File too large" in journal.trouble
    assert journal.next_deadline() == 11.0 + RETRY_TOO_LONG


def test_a_peer_that_becomes_another_router_is_told_at_once(folder: Path) -> None:
    journal = begun(folder)
    moved = replace(peer(1), tcp=peer(9).tcp)

    journal.configure(SPEAKER, PEERS | {"tor-1": moved}, 10.0)

    assert loaded(folder).peers["tor-1"] == moved


def test_a_file_that_can_be_read_but_not_written_is_used_and_then_removed(folder: Path) -> None:
    begun(folder)
    (folder / "last-good").rename(folder / "elsewhere")
    (folder / "last-good").symlink_to(folder / "elsewhere")

    journal = opened(folder)
    good = journal.load(AT)
    trouble = journal.trouble
    journal.remove(prefix(1), 10.0)

    assert isinstance(good, LastGood)
    assert "last-good cannot be written: Too many levels of symbolic links" in trouble
    assert not (folder / "last-good").exists()
    journal.flush(11.0)
    assert len(loaded(folder).paths) == 2
    assert journal.trouble == ""
