"""The certificates and keys of one control plane, made by openssl (0.2 s)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.rig.hosts import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_DAYS = "3650"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Files in one folder: `ca`, `server`, clients by name, and the service account key."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def service_account_key(self) -> Path:
        return self.folder / "service-account.key"

    def pair(self, name: str) -> tuple[Path, Path]:
        """Certificate and key of `name`."""
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"

    @classmethod
    def make(cls, folder: Path, addresses: Sequence[str]) -> Certificates:
        """A new authority, a server certificate for `addresses`, and the rig's own client."""
        folder.mkdir(parents=True)
        made = cls(folder=folder)
        run(
            *("openssl", "req", "-x509", *_new_key(folder / "ca.key"), "-days", _DAYS),
            *("-subj", "/CN=rig authority", "-out", str(made.authority)),
        )
        run("openssl", "genrsa", "-out", str(made.service_account_key), "2048")
        names = ",".join(f"IP:{address}" for address in addresses)
        extra = ("-addext", f"subjectAltName={names},DNS:localhost,DNS:kubernetes.default.svc")
        made.issue("server", "/CN=kube-apiserver", *extra)
        made.issue("admin", "/O=system:masters/CN=rig")
        made.issue("kube-proxy", "/CN=system:kube-proxy")
        return made

    def issue(self, name: str, subject: str, *extra: str) -> None:
        """Make a certificate of `name` for `subject`, good for servers and clients."""
        certificate, key = self.pair(name)
        request = run("openssl", "req", *_new_key(key), "-subj", subject, *extra)
        run(
            *("openssl", "x509", "-req", "-days", _DAYS, "-copy_extensions", "copyall"),
            *("-CA", str(self.authority), "-CAkey", str(self.folder / "ca.key")),
            *("-CAcreateserial", "-out", str(certificate)),
            text=request,
        )


def _new_key(path: Path) -> tuple[str, ...]:
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    return (*curve, "-nodes", "-keyout", str(path))
