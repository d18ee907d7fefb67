"""`porter_ctl.manifests.user_files`: when what a file says is believed. Time is a literal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from porter_ctl.api import Kind, ObjectRef
from porter_ctl.manifests.timings import Timings
from porter_ctl.manifests.user_files import UserFiles

if TYPE_CHECKING:
    from pathlib import Path

TIMINGS = Timings(still=0.2, gone=1.0)


def _pool(name: str, priority: int = 0) -> str:
    return (
        "apiVersion: porter.network/v1beta1\n"
        "kind: VIPPool\n"
        f"metadata: {{name: {name}}}\n"
        f"spec: {{addresses: [192.0.2.0/24], priority: {priority}}}\n"
    )


def _ref(name: str) -> ObjectRef:
    return ObjectRef(Kind.VIP_POOL, "", name)


def _names(files: UserFiles) -> list[str]:
    return sorted(ref.name for ref in files.documents)


def _write(path: Path, *documents: str) -> None:
    path.write_text("---\n".join(documents))


@pytest.fixture
def files(tmp_path: Path) -> UserFiles:
    """Two pools in one file, as believed after 0.2 s."""
    _write(tmp_path / "a.yaml", _pool("one"), _pool("two"))
    files = UserFiles(tmp_path, TIMINGS)
    files.look(0.0)
    files.look(0.2)
    return files


def test_a_file_counts_once_it_stood_still(tmp_path: Path) -> None:
    _write(tmp_path / "a.yaml", _pool("one"))
    files = UserFiles(tmp_path, TIMINGS)
    seen = []

    for now in (0.0, 0.19, 0.2):
        files.look(now)
        seen.append((_names(files), files.complete, files.next_look()))

    assert seen == [([], False, 0.2), ([], False, 0.2), (["one"], True, None)]


def test_a_file_that_grows_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    files = UserFiles(tmp_path, TIMINGS)
    seen = []

    for now, text in ((0.0, "apiV"), (0.15, _pool("one")), (0.3, None), (0.35, None)):
        if text is not None:
            path.write_text(text)
        files.look(now)
        seen.append((_names(files), files.faults))

    assert seen == [([], ()), ([], ()), ([], ()), (["one"], ())]


def test_another_file_of_the_same_size_and_time_is_seen(tmp_path: Path, files: UserFiles) -> None:
    path, other = tmp_path / "a.yaml", tmp_path / "a.new"
    _write(other, _pool("one"), _pool("six"))
    times = path.stat()
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert other.stat().st_size == times.st_size

    other.rename(path)
    files.look(1.0)
    files.look(1.2)

    assert _names(files) == ["one", "six", "two"]


def test_an_edit_shows_and_the_version_tells(tmp_path: Path, files: UserFiles) -> None:
    before = files.documents

    _write(tmp_path / "a.yaml", _pool("one", priority=7), "# a comment\n" + _pool("two"))
    files.look(1.0)
    files.look(1.2)

    after = files.documents
    assert after[_ref("one")].body["spec"] == {"addresses": ["192.0.2.0/24"], "priority": 7}
    assert after[_ref("one")].version != before[_ref("one")].version
    assert after[_ref("two")].version == before[_ref("two")].version


def test_a_missing_object_is_gone_after_a_second(tmp_path: Path, files: UserFiles) -> None:
    _write(tmp_path / "a.yaml", _pool("one"))
    files.look(1.0)

    seen = [(files.look(now), _names(files)) for now in (1.2, 2.19, 2.2)]

    assert seen == [([], ["one", "two"]), ([], ["one", "two"]), ([_ref("two")], ["one"])]


def test_an_object_that_comes_back_in_time_never_left(tmp_path: Path, files: UserFiles) -> None:
    _write(tmp_path / "a.yaml", _pool("one"))
    files.look(1.0)
    files.look(1.2)
    _write(tmp_path / "a.yaml", _pool("one"), _pool("two", priority=1))
    files.look(1.5)
    files.look(1.7)

    assert files.look(9.0) == []
    assert _names(files) == ["one", "two"]


def test_a_second_begins_anew_with_each_version(tmp_path: Path, files: UserFiles) -> None:
    _write(tmp_path / "a.yaml", _pool("one"))
    files.look(1.0)
    files.look(1.2)
    _write(tmp_path / "a.yaml", _pool("one", priority=1))
    files.look(2.0)
    files.look(2.2)

    assert [files.look(now) for now in (2.3, 3.1, 3.2)] == [[], [], [_ref("two")]]


def test_a_removed_file_takes_its_objects_along_after_a_second(
    tmp_path: Path, files: UserFiles
) -> None:
    (tmp_path / "a.yaml").unlink()

    seen = [(files.look(now), _names(files)) for now in (1.0, 1.9, 2.0)]

    assert seen == [
        ([], ["one", "two"]),
        ([], ["one", "two"]),
        ([_ref("one"), _ref("two")], []),
    ]


def test_a_renamed_file_changes_nothing(tmp_path: Path, files: UserFiles) -> None:
    (tmp_path / "a.yaml").rename(tmp_path / "b.yaml")

    gone = [files.look(now) for now in (1.0, 1.2, 2.5)]

    assert gone == [[], [], []]
    assert {document.file for document in files.documents.values()} == {"b.yaml"}


def test_an_unparsable_file_keeps_what_it_said_and_says_why(
    tmp_path: Path, files: UserFiles
) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: [\n")
    _write(tmp_path / "b.yaml", _pool("three"))

    gone = [files.look(now) for now in (1.0, 1.2, 9.0)]

    assert gone == [[], [], []]
    assert _names(files) == ["one", "three", "two"]
    assert [fault[:2] for fault in files.faults] == [("a.yaml", 3)]
    assert not files.understood
    assert files.complete


def test_a_repaired_file_counts_again(tmp_path: Path, files: UserFiles) -> None:
    (tmp_path / "a.yaml").write_text("{")
    files.look(1.0)
    files.look(1.2)
    _write(tmp_path / "a.yaml", _pool("two"))
    files.look(2.0)
    files.look(2.2)

    assert files.look(3.2) == [_ref("one")]
    assert (_names(files), files.faults, files.understood) == (["two"], (), True)


def test_nothing_is_gone_from_a_file_with_a_document_that_is_nobody(
    tmp_path: Path, files: UserFiles
) -> None:
    _write(tmp_path / "a.yaml", _pool("one"), _pool("''"))
    files.look(1.0)
    files.look(1.2)

    assert files.look(9.0) == []
    assert [str(fault) for fault in files.faults] == [
        "a.yaml, line 6: VIPPool: metadata.name is missing; give it one"
    ]


def test_of_two_of_one_name_the_first_file_has_it_and_both_are_named(
    tmp_path: Path, files: UserFiles
) -> None:
    _write(tmp_path / "b.yaml", _pool("three"), _pool("two", priority=9))
    files.look(1.0)
    files.look(1.2)

    assert files.documents[_ref("two")].file == "a.yaml"
    assert "; ".join(str(fault) for fault in files.faults) == (
        "b.yaml, line 6: VIPPool two stands already in a.yaml, line 6, which counts;"
        " remove one of the two"
    )
    assert files.understood


def test_once_the_first_is_removed_the_second_counts_at_once(
    tmp_path: Path, files: UserFiles
) -> None:
    _write(tmp_path / "b.yaml", _pool("two", priority=9))
    files.look(1.0)
    files.look(1.2)
    _write(tmp_path / "a.yaml", _pool("one"))
    files.look(2.0)
    files.look(2.2)

    assert files.documents[_ref("two")].file == "b.yaml"
    assert files.faults == ()


def test_what_is_no_manifest_is_not_read(tmp_path: Path) -> None:
    for name in (".hidden.yaml", "a.yml", "a.yaml~", "notes"):
        (tmp_path / name).write_text("{")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "nowhere.yaml").symlink_to("missing")
    files = UserFiles(tmp_path, TIMINGS)

    files.look(0.0)
    files.look(0.2)

    assert (files.documents, files.faults, files.complete) == ({}, (), True)


def test_a_link_is_followed_to_where_it_leads_now(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"..{name}").mkdir()
        _write(tmp_path / f"..{name}" / "a.yaml", _pool(name))
    (tmp_path / "..data").symlink_to("..one")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    files = UserFiles(tmp_path, TIMINGS)
    files.look(0.0)
    files.look(0.2)

    (tmp_path / "..next").symlink_to("..two")
    (tmp_path / "..next").rename(tmp_path / "..data")
    gone = [files.look(now) for now in (1.0, 1.2, 2.2)]

    assert gone == [[], [], [_ref("one")]]
    assert _names(files) == ["two"]


def test_a_directory_that_is_gone_takes_nothing_along(tmp_path: Path, files: UserFiles) -> None:
    tmp_path.rename(tmp_path.with_suffix(".away"))

    with pytest.raises(FileNotFoundError):
        files.look(1.0)

    assert _names(files) == ["one", "two"]
    tmp_path.with_suffix(".away").rename(tmp_path)


def test_a_file_in_another_encoding_names_the_line(tmp_path: Path, files: UserFiles) -> None:
    (tmp_path / "b.yaml").write_bytes(b"# fine\n# f\xfcr\n")
    files.look(1.0)
    files.look(1.2)

    assert [str(fault) for fault in files.faults] == ["b.yaml, line 2: not UTF-8; save it as that"]
