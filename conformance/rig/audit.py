"""Who wrote what, by the API server's own audit log: every write, also those that were refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from conformance.rig.objects import number, parse, text

if TYPE_CHECKING:
    from pathlib import Path

_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [create, update, patch, delete]
  resources:
  - {group: porter.network, resources: [vips]}
  - {group: "", resources: [services/status]}
  - {group: coordination.k8s.io, resources: [leases]}
- level: None
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One request that would write.

    Attributes:
        user: Who asked.
        verb: create, update, patch or delete.
        resource: vips, services or leases; of a Service only its status is told.
        code: The HTTP status of the answer.
        at: When it was asked, in seconds since 1970.
    """

    user: str
    verb: str
    resource: str
    name: str
    code: int
    at: float

    @property
    def done(self) -> bool:
        return 200 <= self.code < 300


class Audit:
    """The log of one API server; `flags` make it write one."""

    def __init__(self, folder: Path) -> None:
        self._policy = folder / "audit-policy.yaml"
        self._log = folder / "audit.log"
        self._policy.write_text(_POLICY)

    @property
    def flags(self) -> tuple[str, ...]:
        """For the API server."""
        return (f"--audit-policy-file={self._policy}", f"--audit-log-path={self._log}")

    def writes(self, *users: str, since: float = 0.0) -> list[Write]:
        """What was asked by these users (by everybody, without) from `since` on, in order."""
        whole, _, _ = self._log.read_text().rpartition("\n")  # the rest is being written
        found = [_write(line) for line in whole.splitlines()]
        return [one for one in found if one.at >= since and (not users or one.user in users)]


def _write(line: str) -> Write:
    event = parse(line)
    return Write(
        user=text(event, "user", "username"),
        verb=text(event, "verb"),
        resource=text(event, "objectRef", "resource"),
        name=text(event, "objectRef", "name"),
        code=number(event, "responseStatus", "code"),
        at=datetime.fromisoformat(text(event, "requestReceivedTimestamp")).timestamp(),
    )
