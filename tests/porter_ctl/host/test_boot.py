"""`porter_ctl.host.boot`: the boot id and the uptime."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from porter_ctl.host.boot import Boot, read_boot

if TYPE_CHECKING:
    from pathlib import Path

ID = "b9a1f0a2-6c1d-4d0e-9d5c-1f2e3d4c5b6a"


def _procfs(root: Path, boot_id: str, uptime: str) -> Path:
    (root / "sys/kernel/random").mkdir(parents=True)
    (root / "sys/kernel/random/boot_id").write_text(boot_id)
    (root / "uptime").write_text(uptime)
    return root


def test_this_machine_has_one_boot_and_its_uptime_grows() -> None:
    first, second = read_boot(), read_boot()

    assert first.id == second.id
    assert 0 < first.uptime <= second.uptime


def test_the_files_are_read_as_the_kernel_writes_them(tmp_path: Path) -> None:
    boot = read_boot(_procfs(tmp_path, f"{ID}\n", "351735.47 234388.90\n"))

    assert boot == Boot(id=ID, uptime=351735.47)


@pytest.mark.parametrize(
    ("boot_id", "uptime"),
    [("", "1.0 1.0"), ("no uuid", "1.0 1.0"), (ID, ""), (ID, "soon 1.0")],
    ids=["no boot id", "a boot id that is none", "no uptime", "an uptime that is none"],
)
def test_what_is_no_boot_is_refused(tmp_path: Path, boot_id: str, uptime: str) -> None:
    procfs = _procfs(tmp_path, boot_id, uptime)

    with pytest.raises(ValueError, match=r"badly formed|could not convert"):
        read_boot(procfs)


@pytest.mark.parametrize(
    ("last_id", "uptime", "new"),
    [(ID, 3.0, False), ("another", 86400.0, True), (None, 599.0, True), (None, 600.0, False)],
    ids=[
        "the same boot, however young",
        "another boot, however old",
        "nothing noted and just up",
        "nothing noted and up for long",
    ],
)
def test_a_boot_is_new_by_its_id_or_else_by_its_age(
    last_id: str | None,
    uptime: float,
    new: bool,  # noqa: FBT001 - the column of a table
) -> None:
    assert Boot(id=ID, uptime=uptime).is_new(last_id) is new
