"""What the gates ask, and the answers they understand.

Whoever drives them carries out the queries: it reads kube-proxy's metrics and health checks on
loopback, connects to addresses, and lists a kind for the guards. All times are seconds on the clock
that gives the gate `now`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Address, IPv6Address

    from porter_ctl.api import Kind


class SyncQuery(NamedTuple):
    """When did kube-proxy last complete a sync? Answered by SyncTimes or SyncRefused."""

    metric: str = "kubeproxy_sync_proxy_rules_last_timestamp_seconds"


class ConnectQuery(NamedTuple):
    """Does a TCP connect from this node get an answer? Answered by Connected."""

    address: IPv4Address | IPv6Address
    port: int


class HealthQuery(NamedTuple):
    """Does the healthCheckNodePort say 200? Answered by Healthy."""

    port: int


Query = SyncQuery | ConnectQuery | HealthQuery


class SyncTimes(NamedTuple):
    """The end of kube-proxy's last sync by IP version (4 or 6); absent where there was none."""

    ended: Mapping[int, float]


class SyncRefused(NamedTuple):
    """There is no kube-proxy to ask; `why` says how that shows."""

    why: str


class Connected(NamedTuple):
    """The outcome of a connect: answered or refused counts as `reached`, silence does not."""

    address: IPv4Address | IPv6Address
    port: int
    reached: bool


class Healthy(NamedTuple):
    """The outcome of a health query."""

    port: int
    ok: bool


Evidence = SyncTimes | SyncRefused | Connected | Healthy


class KindQuery(NamedTuple):
    """Does the API serve this kind? Answered by KindStands."""

    kind: Kind


class KindStands(NamedTuple):
    """The outcome of listing a kind.

    Attributes:
        kind: The kind.
        exists: False: there is no such kind (404); None: it cannot be told (403, no answer).
    """

    kind: Kind
    exists: bool | None
