"""The parts of a BGPPeer that shape its session: timers, TTL, signatures, BFD, ADD-PATH."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta, field

from porter_ctl.api.meta import ApiStruct
from porter_ctl.api.rules import NumberCheck, Problem, Rule
from porter_ctl.api.values import ObjectName


class AuthMethod(StrEnum):
    """How TCP segments are signed: MD5 (RFC 2385) or AO (RFC 5925)."""

    MD5 = "MD5"
    AO = "AO"


class AuthAlgorithm(StrEnum):
    """The MAC of TCP-AO (RFC 5926)."""

    HMAC_SHA_1_96 = "HMAC-SHA-1-96"
    AES_128_CMAC_96 = "AES-128-CMAC-96"


class BfdMode(StrEnum):
    """Whether BFD must be up before the session may be."""

    NORMAL = "Normal"
    STRICT = "Strict"


class AddPathMode(StrEnum):
    """Whether several paths of one prefix are sent."""

    NONE = "None"
    SEND = "Send"


def explain_hold_seconds(value: int) -> Problem | None:
    """Say what keeps a number of seconds from being a hold time (RFC 4271 §4.2)."""
    if value in (1, 2):
        return Problem(
            f"{value} is neither 0 nor at least 3 (RFC 4271 §4.2)", "use 0 or 3 to 65535"
        )
    return None


_HOLD_SECONDS = NumberCheck(
    cel="self == 0 || self >= 3",
    message="must be 0 or 3 to 65535, not 1 or 2 (RFC 4271)",
    explain=explain_hold_seconds,
)


class Timers(ApiStruct, frozen=True, kw_only=True):
    """How patient a session is."""

    hold_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="Silence after which the session ends; 0: never.",
            extra={"check": _HOLD_SECONDS},
        ),
    ] = 90
    keepalive_seconds: Annotated[
        Annotated[int, Meta(ge=1, le=21845)] | None,
        Meta(description="Time between our keepalives; absent: a third of the hold time."),
    ] = None
    connect_seconds: Annotated[int, Meta(ge=1, le=300, description="How long a dial may take.")] = 5
    send_hold_seconds: Annotated[
        Annotated[int, Meta(ge=1, le=131_070)] | None,
        Meta(
            description=(
                "How long a router may take nothing of what is queued for it (RFC 9687); "
                "absent: the larger of 480 and twice the hold time."
            )
        ),
    ] = None

    rules: ClassVar[tuple[Rule[Timers], ...]] = (
        Rule(
            reads=("keepaliveSeconds", "holdSeconds"),
            cel=(
                "!has(self.keepaliveSeconds)"
                " || self.keepaliveSeconds * 3 <= (has(self.holdSeconds) ? self.holdSeconds : 90)"
            ),
            holds=lambda self: (
                self.keepalive_seconds is None or self.keepalive_seconds * 3 <= self.hold_seconds
            ),
            message="keepaliveSeconds must be at most a third of holdSeconds (RFC 4271 §4.4)",
            remedy="lower it, or leave it out",
        ),
        Rule(
            reads=("sendHoldSeconds", "holdSeconds"),
            cel=(
                "!has(self.sendHoldSeconds)"
                " || self.sendHoldSeconds >= 2 * (has(self.holdSeconds) ? self.holdSeconds : 90)"
            ),
            holds=lambda self: (
                self.send_hold_seconds is None or self.send_hold_seconds >= 2 * self.hold_seconds
            ),
            message="sendHoldSeconds must be at least twice holdSeconds (RFC 9687)",
            remedy="raise it, or leave it out",
        ),
    )


class Multihop(ApiStruct, frozen=True, kw_only=True):
    """The router is more than one hop away."""

    ttl: Annotated[int, Meta(ge=1, le=255, description="The TTL of our packets.")]


class TtlSecurity(ApiStruct, frozen=True, kw_only=True):
    """Packets from further away are dropped (RFC 5082)."""

    hops: Annotated[
        int, Meta(ge=1, le=254, description="How far away the router may be; 1: directly behind.")
    ]


class SecretRef(ApiStruct, frozen=True, kw_only=True):
    """A Secret in Porter's own namespace."""

    name: Annotated[ObjectName, Meta(description="The Secret.")]
    key: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=253,
            pattern=r"^[-._a-zA-Z0-9]+$",
            extra={"noun": "a key of a Secret", "remedy": "use letters, digits, '-', '_' and '.'"},
            description="The key in it that holds the password.",
        ),
    ] = "password"


class Auth(ApiStruct, frozen=True, kw_only=True):
    """How TCP segments are signed."""

    method: Annotated[AuthMethod, Meta(description="MD5: RFC 2385. AO: RFC 5925.")] = AuthMethod.MD5
    secret_ref: Annotated[
        SecretRef, Meta(description="Where the password is; without it no session starts.")
    ]
    key_id: Annotated[
        Annotated[int, Meta(ge=0, le=255)] | None,
        Meta(description="The KeyID of AO; needed for it, senseless without."),
    ] = field(name="keyID", default=None)
    algorithm: Annotated[
        AuthAlgorithm | None, Meta(description="The MAC of AO; absent: HMAC-SHA-1-96.")
    ] = None

    rules: ClassVar[tuple[Rule[Auth], ...]] = (
        Rule(
            reads=("keyID", "method"),
            cel="(has(self.method) && self.method == 'AO') == has(self.keyID)",
            holds=lambda self: (self.method is AuthMethod.AO) == (self.key_id is not None),
            message="keyID belongs to method AO, and AO needs it",
            remedy="set keyID for AO, leave it out for MD5",
        ),
        Rule(
            reads=("algorithm", "method"),
            cel="!has(self.algorithm) || (has(self.method) && self.method == 'AO')",
            holds=lambda self: self.algorithm is None or self.method is AuthMethod.AO,
            message="algorithm belongs to method AO",
            remedy="leave it out for MD5",
        ),
    )


class Bfd(ApiStruct, frozen=True, kw_only=True):
    """Fast failure detection (RFC 5880)."""

    mode: Annotated[BfdMode, Meta(description="Strict: the session waits until BFD is up.")] = (
        BfdMode.NORMAL
    )
    interval_milliseconds: Annotated[
        int, Meta(ge=100, le=60_000, description="Time between packets, both ways.")
    ] = 300
    multiplier: Annotated[
        int, Meta(ge=3, le=255, description="Packets missed before the path counts as dead.")
    ] = 3


class AddPath(ApiStruct, frozen=True, kw_only=True):
    """Whether several paths of one prefix are sent (RFC 7911)."""

    mode: Annotated[
        AddPathMode, Meta(description="Send: offer to send several paths of one prefix.")
    ] = AddPathMode.NONE
    max_paths: Annotated[
        Annotated[int, Meta(ge=2, le=512)] | None,
        Meta(description="The most paths of one prefix to send; absent: all."),
    ] = None

    rules: ClassVar[tuple[Rule[AddPath], ...]] = (
        Rule(
            reads=("maxPaths", "mode"),
            cel="!has(self.maxPaths) || (has(self.mode) && self.mode == 'Send')",
            holds=lambda self: self.max_paths is None or self.mode is AddPathMode.SEND,
            message="maxPaths belongs to mode Send",
            remedy="set mode to Send, or leave maxPaths out",
        ),
    )
