"""Events of the directory: a line of JSON each, the newest last, never more than two files."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

    from porter_ctl.manifests.own_files import OwnFiles
    from porter_ctl.store.port import KubeEvent

NAME = "events.jsonl"
_LIMIT = 1 << 20  # octets, after which the file becomes the old one
_NOTE = 1024
_WORD = 128


class EventLog:
    """Appends; several processes may. Does file work: call it from a thread."""

    def __init__(self, files: OwnFiles, *, instance: str, limit: int = _LIMIT) -> None:
        """Args say where, and who tells.

        Args:
            files: Whose folder and lock are used.
            instance: The process that tells.
            limit: The size of the file in octets that makes it the old one.
        """
        self._files = files
        self._instance = instance
        self._limit = limit

    def append(self, event: KubeEvent) -> None:
        """Write one event.

        Raises:
            OSError: It cannot be written.
            Unavailable: Another process has held the lock for too long.
        """
        path = self._files.root / NAME
        ref = event.regarding
        line = msgspec.json.encode(
            {
                "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "type": event.type,
                "reason": event.reason[:_WORD],
                "action": event.action[:_WORD],
                "note": event.note[:_NOTE],
                "regarding": {
                    "kind": ref.kind,
                    "namespace": ref.namespace,
                    "name": ref.name,
                    "uid": event.uid,
                },
                "reportingInstance": self._instance,
            }
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(descriptor, line + b"\n")
            size = os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)
        if size >= self._limit:
            self._rotate(path)

    def _rotate(self, path: Path) -> None:
        with self._files.locked(), contextlib.suppress(FileNotFoundError):
            if path.stat().st_size >= self._limit:  # nobody was faster
                path.replace(path.with_name(f"{NAME}.1"))
