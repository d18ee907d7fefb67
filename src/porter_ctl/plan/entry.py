"""What the ledger knows of one address that has a VIP, or had one."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from porter_ctl.api import VIPSpec

if TYPE_CHECKING:
    from porter_ctl.api import VIP

LAST_HOLDER = "porter.network/last-holder"  # annotation of a VIP: for which name it rests
MADE_HERE = "porter.network/made-by-allocator"  # annotation of a VIP that may be deleted again


@dataclass(frozen=True, slots=True)
class Entry:
    """A VIP that exists, or one that vanished before it was to.

    Attributes:
        vip: As last seen.
        spec: Its accepted spec.
        exists: False: it vanished. If it had holders it is to be written again.
        since: When it was first seen with the holders that it has; where it was released by a
            clock ahead of ours, when our clock will show that time.
    """

    vip: VIP
    spec: VIPSpec
    exists: bool
    since: float

    @property
    def owners(self) -> tuple[str, ...]:
        """The holders, as namespace/name."""
        return tuple(f"{holder.namespace}/{holder.name}" for holder in self.spec.holders)

    @property
    def last_holder(self) -> str:
        """For whom it rests or is kept by name; empty for nobody in particular."""
        return self.vip.metadata.annotations.get(LAST_HOLDER, "")

    @property
    def resting(self) -> bool:
        """Whether it was released, however long ago."""
        return not self.spec.holders and self.spec.released_at is not None


def spec_of(key: str, vip: VIP) -> VIPSpec | None:
    """Return the spec to go by: that of a faulty VIP is that its name is taken."""
    if vip.spec is not None:
        return vip.spec
    try:
        return VIPSpec(address=str(ip_address(key.replace("-", ":"))))
    except ValueError:
        return None
