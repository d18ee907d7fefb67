"""A fault behind the plan: a folder which makes a process of Porter never tell one prefix.

Put into PYTHONPATH, it is imported when the interpreter starts. The plan, the gates and the count
of desired prefixes are as ever; what is missing is the route in the table towards the routers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_CODE = """\
import os

from porter_bgp.speaker.outbound import Outbound

_announce = Outbound.announce
_forgotten = os.environ["FORGOTTEN_PREFIX"]


def announce(self, prefix, paths):
    _announce(self, prefix, () if str(prefix) == _forgotten else paths)


Outbound.announce = announce
"""


def forgetting(folder: Path, prefix: str) -> dict[str, str]:
    """The environment of a process that forgets to tell `prefix`; `folder` gets the code."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(_CODE)
    return {"PYTHONPATH": str(folder), "FORGOTTEN_PREFIX": prefix}
