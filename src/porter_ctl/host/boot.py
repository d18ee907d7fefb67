"""Which boot of this machine is running, and for how long.

What a process remembers of the kernel's state (connections, programmed rules) is void after a
reboot: the boot id tells one boot from another, the uptime helps where no boot id was kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

PROC = Path("/proc")
NEW_BOOT_UPTIME = 600.0  # seconds; a machine up for less counts as new where no boot id was kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """One boot of the machine.

    Attributes:
        id: The kernel's random id of it, a UUID in lower case.
        uptime: Seconds since it began.
    """

    id: str
    uptime: float

    def is_new(self, last_id: str | None) -> bool:
        """Whether the machine has booted since `last_id` was noted; None: none was."""
        if last_id is None:
            return self.uptime < NEW_BOOT_UPTIME
        return self.id != last_id


def read_boot(proc: Path = PROC) -> Boot:
    """Ask the kernel which boot this is.

    Args:
        proc: Where procfs is mounted.

    Raises:
        OSError: It cannot be read.
        ValueError: What stands there is no boot id, or no uptime.
    """
    boot_id = (proc / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    uptime, _, _ = (proc / "uptime").read_text(encoding="ascii").partition(" ")
    return Boot(id=str(UUID(boot_id)), uptime=float(uptime))
