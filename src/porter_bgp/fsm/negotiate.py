"""Two OPENs and our configuration: what holds on this session?

`local_open` says what we offer; `negotiate` what the two of us have in common, or which
NOTIFICATION tells the peer why we cannot speak (RFC 4271 §6.2, RFC 5492 §5). How an OPEN is
spelled, and what no speaker may say in one, is asked in `porter_bgp.wire.open`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from porter_bgp.wire.capabilities import (
    AddPath,
    Capability,
    EnhancedRouteRefresh,
    ExtendedMessage,
    ExtendedNextHop,
    FourOctetAs,
    GracefulRestart,
    Multiprotocol,
    RouteRefresh,
    encode_capabilities,
)
from porter_bgp.wire.codec import MAX_EXTENDED_MESSAGE, MAX_MESSAGE, Codec
from porter_bgp.wire.errors import OpenMessageError
from porter_bgp.wire.iana import AddPathMode, Afi, OpenSubcode
from porter_bgp.wire.open import AS_TRANS, Open
from porter_bgp.wire.prefix import IPV4_UNICAST, AddressFamily

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from ipaddress import IPv4Address

    from porter_bgp.config import AddPathConfig, GracefulRestartConfig, SessionConfig

C = TypeVar("C", bound=Capability)
_SENDS = frozenset({AddPathMode.SEND, AddPathMode.BOTH})
_RECEIVES = frozenset({AddPathMode.RECEIVE, AddPathMode.BOTH})


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartFacts:
    """What our OPEN says about our own restart; read whenever one is built.

    Attributes:
        restarting: R: no End-of-RIB was sent since this process started.
        forwarding: F per family: traffic for our routes is being forwarded now. Absent: it is not.
        notification: Whether the N bit may be offered now (RFC 8538).
    """

    restarting: bool = False
    forwarding: Mapping[AddressFamily, bool] = field(default_factory=lambda: MappingProxyType({}))
    notification: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Negotiated:
    """What two OPENs agreed on.

    Attributes:
        ours: The OPEN we sent.
        theirs: The OPEN we received.
        codec: How messages are spelled and judged from now on.
        hold_time: Seconds; 0 for none.
        keepalive_time: Seconds between our KEEPALIVEs; 0 for none.
        graceful_restart: What the peer offers, where we offer it as well.
    """

    ours: Open
    theirs: Open
    codec: Codec
    hold_time: int
    keepalive_time: float
    graceful_restart: GracefulRestart | None

    @property
    def families(self) -> frozenset[AddressFamily]:
        """The families both of us speak."""
        return self.codec.families

    @property
    def external(self) -> bool:
        """Whether the peer is in another AS."""
        return self.codec.external

    @property
    def peer_asn(self) -> int:
        """The peer's AS number."""
        return self.theirs.asn

    @property
    def peer_id(self) -> IPv4Address:
        """The peer's BGP Identifier."""
        return self.theirs.bgp_identifier

    @property
    def route_refresh(self) -> bool:
        """Whether both know ROUTE-REFRESH (RFC 2918)."""
        return _both(self.ours, self.theirs, RouteRefresh)

    @property
    def enhanced_route_refresh(self) -> bool:
        """Whether both know its demarcations (RFC 7313)."""
        return self.codec.enhanced_route_refresh

    @property
    def hard_reset(self) -> bool:
        """Whether a Cease that means "leave" needs a Hard Reset around it (RFC 8538 §3)."""
        ours, theirs = _last(self.ours, GracefulRestart), self.graceful_restart
        return ours is not None and theirs is not None and ours.notification and theirs.notification

    @property
    def peer_retains(self) -> bool:
        """Whether the peer keeps our routes, of every family, if we go without a word.

        It does for the families that our OPEN named, whatever its own OPEN names: those are the
        ones in which it may restart itself (RFC 4724 §3, §4.2).
        """
        ours = _last(self.ours, GracefulRestart)
        if ours is None or self.graceful_restart is None or not ours.restart_time:
            return False
        return self.families <= {family for family, _ in ours.families}

    @property
    def retained(self) -> frozenset[AddressFamily]:
        """The families of which we keep the peer's routes if it goes without a word."""
        theirs = self.graceful_restart
        if theirs is None or not theirs.restart_time:
            return frozenset()
        return self.families & {family for family, _ in theirs.families}


def local_open(config: SessionConfig, facts: RestartFacts) -> Open:
    """The OPEN that we send now."""
    asn = config.shown_asn
    return Open(
        my_as=asn if asn <= 0xFFFF else AS_TRANS,
        hold_time=config.hold_time,
        bgp_identifier=config.router_id,
        capabilities=tuple(_offers(config, facts)),
    )


def negotiate(ours: Open, theirs: Open, config: SessionConfig) -> Negotiated:
    """What the two OPENs agree on.

    Raises:
        OpenMessageError: They cannot: 2/2 Bad Peer AS, 2/3 Bad BGP Identifier, 2/6 Unacceptable
            Hold Time, or 2/7 Unsupported Capability with those that are missing as data.
    """
    asn = theirs.asn
    if asn == AS_TRANS or not config.admits(asn):
        raise OpenMessageError(OpenSubcode.BAD_PEER_AS, f"AS {asn} is not the peer's")
    external = config.external_to(asn)
    if not external and theirs.bgp_identifier == ours.bgp_identifier:  # RFC 6286 §2.2
        raise OpenMessageError(
            OpenSubcode.BAD_BGP_IDENTIFIER, f"{theirs.bgp_identifier} is our own identifier"
        )
    if 0 < theirs.hold_time < config.min_hold_time:
        raise OpenMessageError(
            OpenSubcode.UNACCEPTABLE_HOLD_TIME,
            f"hold time {theirs.hold_time} s is below {config.min_hold_time} s",
        )
    hold_time = min(ours.hold_time, theirs.hold_time)
    both = _last(ours, GracefulRestart) and _last(theirs, GracefulRestart)
    return Negotiated(
        ours=ours,
        theirs=theirs,
        codec=_codec(ours, theirs, config),
        hold_time=hold_time,
        keepalive_time=min(config.keepalive_time or hold_time, hold_time / 3),
        graceful_restart=both,
    )


def _offers(config: SessionConfig, facts: RestartFacts) -> Iterator[Capability]:
    for family in config.families:
        yield Multiprotocol(family)
    if config.route_refresh:
        yield RouteRefresh()
        yield EnhancedRouteRefresh()
    if config.extended_next_hop and IPV4_UNICAST in config.families:
        yield ExtendedNextHop(((IPV4_UNICAST, Afi.IPV6),))
    if config.extended_message:
        yield ExtendedMessage()
    if config.graceful_restart is not None:
        yield _graceful_restart(config.graceful_restart, config.families, facts)
    yield FourOctetAs(config.shown_asn)
    if config.add_path is not None:
        yield _add_path(config.add_path, config.families)


def _graceful_restart(
    config: GracefulRestartConfig, families: tuple[AddressFamily, ...], facts: RestartFacts
) -> GracefulRestart:
    return GracefulRestart(
        restarting=facts.restarting,
        notification=config.notification and facts.notification,
        restart_time=config.restart_time,
        families=tuple((family, facts.forwarding.get(family, False)) for family in families),
    )


def _add_path(config: AddPathConfig, families: tuple[AddressFamily, ...]) -> AddPath:
    modes = {
        (True, False): AddPathMode.SEND,
        (False, True): AddPathMode.RECEIVE,
        (True, True): AddPathMode.BOTH,
    }
    wanted = ((family, (family in config.send, family in config.receive)) for family in families)
    return AddPath(tuple((family, modes[both]) for family, both in wanted if both in modes))


def _codec(ours: Open, theirs: Open, config: SessionConfig) -> Codec:
    families = frozenset(config.families) & _families(theirs)
    if not families:
        raise OpenMessageError(
            OpenSubcode.UNSUPPORTED_CAPABILITY,
            "no address family in common",
            data=encode_capabilities(_all(ours, Multiprotocol)),
        )
    we, they = _add_path_modes(ours), _add_path_modes(theirs)
    external = config.external_to(theirs.asn)
    extended = _both(ours, theirs, ExtendedMessage)
    return Codec(
        external=external,
        four_octet_as=_both(ours, theirs, FourOctetAs),
        max_send=MAX_EXTENDED_MESSAGE if extended else MAX_MESSAGE,
        max_receive=max_receive(ours),
        families=families,
        add_path_send=frozenset(
            f for f in families if we.get(f) in _SENDS and they.get(f) in _RECEIVES
        ),
        add_path_receive=frozenset(
            f for f in families if we.get(f) in _RECEIVES and they.get(f) in _SENDS
        ),
        extended_next_hop=families & _ipv6_next_hops(ours) & _ipv6_next_hops(theirs),
        enhanced_route_refresh=_both(ours, theirs, EnhancedRouteRefresh),
        peer_asn=theirs.asn,
        enforce_first_as=external and config.enforce_first_as,
        local_addresses=frozenset(address.packed for address in config.own_addresses),
        loopback=config.loopback,
    )


def max_receive(ours: Open) -> int:
    """The longest message the peer may send us, in octets: our OPEN alone says (RFC 8654 §4)."""
    return MAX_MESSAGE if _last(ours, ExtendedMessage) is None else MAX_EXTENDED_MESSAGE


def _families(sent: Open) -> frozenset[AddressFamily]:
    """IPv4 unicast is implied only where no family is named at all (RFC 4760 §8)."""
    return frozenset(c.family for c in _all(sent, Multiprotocol)) or frozenset({IPV4_UNICAST})


def _add_path_modes(sent: Open) -> dict[AddressFamily, AddPathMode]:
    return {family: mode for c in _all(sent, AddPath) for family, mode in c.entries}


def _ipv6_next_hops(sent: Open) -> frozenset[AddressFamily]:
    entries = (entry for c in _all(sent, ExtendedNextHop) for entry in c.entries)
    return frozenset(family for family, afi in entries if afi == Afi.IPV6)


def _all(sent: Open, kind: type[C]) -> list[C]:
    return [c for c in sent.capabilities if isinstance(c, kind)]


def _last(sent: Open, kind: type[C]) -> C | None:
    """The instance that counts where a capability came more than once (RFC 4724 §3)."""
    found = _all(sent, kind)
    return found[-1] if found else None


def _both(ours: Open, theirs: Open, kind: type[C]) -> bool:
    return bool(_all(ours, kind) and _all(theirs, kind))
