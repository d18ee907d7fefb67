"""Why something is so, or is not: one enum value for machines, a sentence and a remedy for people.

The same reason stands in condition, Event, metric, log and CLI. Where several apply, the first of
them in the order of `Reason` is told: the order in which allocation and announcement ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Every reason Porter gives. New ones may be added, none is ever renamed."""

    # No load balancer at all: told to whoever asks why
    NO_SERVICE = "NoService"
    NOT_LOAD_BALANCER = "NotLoadBalancer"
    # Allocation
    FOREIGN_CLASS = "ForeignClass"
    HELD_BY_OTHER = "HeldByOther"
    NO_POOL = "NoPool"
    NAMESPACE_NOT_ALLOWED = "NamespaceNotAllowed"
    REQUEST_CONFLICT = "RequestConflict"
    ADDRESS_IN_USE = "AddressInUse"
    POOL_EXHAUSTED = "PoolExhausted"
    ADDRESS_RESTING = "AddressResting"
    NOT_ALLOCATED = "NotAllocated"
    # Announcement, in the order of its rule
    STATUS_PENDING = "StatusPending"
    NO_ADVERTISEMENT = "NoAdvertisement"
    NODE_NOT_SELECTED = "NodeNotSelected"
    NO_CONFIG = "NoConfig"
    NODE_EXCLUDED = "NodeExcluded"
    NODE_DRAINED = "NodeDrained"
    NO_ENDPOINT = "NoEndpoint"
    NO_LOCAL_ENDPOINT = "NoLocalEndpoint"
    LAST_WITHHELD = "LastWithheld"
    LAST_DRAINING = "LastDraining"
    LAST_TERMINATING = "LastTerminating"
    LAST_BEYOND_MAX_NODES = "LastBeyondMaxNodes"
    DATAPLANE_NOT_READY = "DataplaneNotReady"
    DATAPLANE_UNVERIFIED = "DataplaneUnverified"
    DAMPED = "Damped"
    NO_PEER = "NoPeer"
    NO_NEXT_HOP = "NoNextHop"
    PATH_LIMIT = "PathLimit"
    # Sessions
    SECRET_MISSING = "SecretMissing"  # noqa: S105 - a reason code, not a password
    SECRET_FORBIDDEN = "SecretForbidden"  # noqa: S105 - a reason code, not a password
    AUTHENTICATION_SUSPECTED = "AuthenticationSuspected"
    SESSION_COLLISION_WITH_CNI = "SessionCollisionWithCNI"
    PEER_LIMIT = "PeerLimit"
    ADD_PATH_NOT_NEGOTIATED = "AddPathNotNegotiated"
    SESSION_DOWN = "SessionDown"
    NOT_ACKNOWLEDGED = "NotAcknowledged"
    FAMILY_NOT_NEGOTIATED = "FamilyNotNegotiated"
    NO_REPORT = "NoReport"
    NOT_PROVEN = "NotProven"
    SOME_PATHS = "SomePaths"
    ALL_PATHS = "AllPaths"
    # Objects
    INVALID = "Invalid"
    NOT_YET_SUPPORTED = "NotYetSupported"
    CONFLICTING = "Conflicting"
    OVERLAP = "Overlap"
    OUT_OF_POOL = "OutOfPool"
    ACCEPTED = "Accepted"
    ALLOCATED = "Allocated"
    LEASE_UNUSABLE = "LeaseUnusable"
    # Guards
    HELD_BY_GUARD = "HeldByGuard"

    @property
    def precedence(self) -> int:
        """The place in the order of this enum: the lowest of several is the one to tell."""
        return _PRECEDENCE[self]


# With these a path is announced, as the last resort of whoever hears it.
ANNOUNCED_LAST = frozenset(
    {
        Reason.LAST_WITHHELD,
        Reason.LAST_DRAINING,
        Reason.LAST_TERMINATING,
        Reason.LAST_BEYOND_MAX_NODES,
    }
)
_PRECEDENCE = {reason: place for place, reason in enumerate(Reason)}
_CODES = frozenset(map(str, Reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One yes or no.

    Attributes:
        reason: The code.
        message: One sentence without a full stop, naming the objects and values concerned.
        remedy: What a person can do; empty where there is nothing to do.
        subject: The object or peer that it is about, where that is not the prefix or Service at
            hand: `BGPPeer/tor`, `default/web`, a peer's name.
    """

    reason: Reason
    message: str
    remedy: str = ""
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}" if self.remedy else self.message


def reason_of(code: str, otherwise: Reason) -> Reason:
    """Return the reason of a code in some object; another version may have codes of its own."""
    return Reason(code) if code in _CODES else otherwise


def foremost(verdicts: tuple[Verdict, ...]) -> Verdict | None:
    """Return the verdict to tell if there is room for one only; None where there is none."""
    return min(verdicts, key=lambda verdict: verdict.reason.precedence, default=None)
