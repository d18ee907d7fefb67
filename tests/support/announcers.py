"""An announcer for tests of what is announced, whose memory is kept nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from porter_ctl.host.dataplane import Dataplane
from porter_ctl.reconcile.announcer import Announcer
from porter_ctl.reconcile.forwarding import Forwarding
from porter_ctl.record.journal import Journal

if TYPE_CHECKING:
    from porter_bgp.speaker.speaker import Speaker

NOWHERE = Path("/dev/null/nothing")  # no file can be made there, and that stops nobody


def announcer_of(speaker: Speaker, folder: Path | None = None) -> Announcer:
    """Make one; it keeps what is announced in `folder`, if there is one."""
    where = folder or NOWHERE
    journal = Journal(where / "last-good", where / "passwords", node="n1", boot_id="boot")
    return Announcer(speaker, journal, Forwarding(speaker, Dataplane(), booted=False))
