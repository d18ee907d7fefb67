"""Which sessions this node should have: BGPConfig and the BGPPeers, as this node must read them.

Of the BGPConfigs that select a node the one with the highest priority counts, whole; `default` is
for those that no other selects. A peer that cannot have a session here, for want of its password
or because an older one has its address, is left out with the reason; it never disturbs another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from porter_bgp.config import (
    AddPathConfig,
    Connection,
    GracefulRestartConfig,
    ListenConfig,
    MaxPrefixAction,
    MaxPrefixes,
    PeerConfig,
    PeerType,
    SessionConfig,
    SpeakerConfig,
    TcpConfig,
)
from porter_bgp.wire import AddressFamily, Prefix
from porter_ctl.api import AddPathMode, PeerAdminState, SpeakerAdminState, Switch
from porter_ctl.plan.selection import Labelled
from porter_ctl.plan.verdict import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from porter_ctl.api import BGPConfig, BGPConfigSpec, BGPPeer, BGPPeerSpec, Secret
    from porter_ctl.plan.addresses import Address
    from porter_ctl.plan.inputs import ConfigSnapshot, NodeFacts

BGP_PORT = 179
_NO_CONFIG = Verdict(
    reason=Reason.NO_CONFIG,
    message="no BGPConfig selects this node",
    remedy="create the BGPConfig default with spec.asn",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaking:
    """The sessions of a node.

    Attributes:
        config: The spec of the BGPConfig that counts here; None if none does.
        speaker: What all sessions share.
        peers: Those that may be had.
        max_paths: How many paths of a prefix a peer is told at most; absent: all.
        verdicts: Why the others may not; the subject is the object, as in `BGPPeer/tor`.
    """

    config: BGPConfigSpec | None
    speaker: SpeakerConfig
    peers: Mapping[str, PeerConfig]
    max_paths: Mapping[str, int] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()


def resolve_peers(snapshot: ConfigSnapshot, node: NodeFacts) -> Speaking:
    """Work out the sessions of `node`."""
    config = choose_config(snapshot.configs, node)
    if config is None or config.asn is None:
        return Speaking(config=None, speaker=SpeakerConfig(), peers={}, verdicts=(_NO_CONFIG,))
    peers: dict[str, PeerConfig] = {}
    max_paths: dict[str, int] = {}
    holders: dict[Address, str] = {}
    verdicts: list[Verdict] = []
    for peer in by_age(snapshot.peers):
        if peer.spec is None or not Labelled(peer.spec.node_selectors).selects(node.labels):
            continue
        resolved = _resolve(peer, peer.spec, config, node, snapshot.secrets)
        if isinstance(resolved, Verdict):
            verdicts.append(resolved)
        elif (older := holders.get(resolved.tcp.remote)) is not None:
            verdicts.append(_conflict(peer, older, resolved.tcp.remote))
        else:
            holders[resolved.tcp.remote] = peer.metadata.name
            peers[peer.metadata.name] = resolved
            limit = 1 if resolved.session.add_path is None else peer.spec.add_path.max_paths
            if limit is not None:
                max_paths[peer.metadata.name] = limit
    speaker = SpeakerConfig(listen=_listen(config, peers), node_addresses=node.addresses)
    return Speaking(
        config=config,
        speaker=speaker,
        peers=peers,
        max_paths=max_paths,
        verdicts=tuple(verdicts),
    )


def choose_config(configs: Iterable[BGPConfig], node: NodeFacts) -> BGPConfigSpec | None:
    """Return the spec that counts on `node`; None if none does."""
    candidates = [
        (config.metadata.name == "default", -config.spec.priority, config.metadata.name, config)
        for config in configs
        if config.spec is not None and Labelled(config.spec.node_selectors).selects(node.labels)
    ]
    return min(candidates, key=lambda one: one[:3])[3].spec if candidates else None


def by_age(peers: Iterable[BGPPeer]) -> list[BGPPeer]:
    """Order peers: where two claim one thing the first has it."""
    return sorted(peers, key=lambda p: (p.metadata.creation_timestamp, p.metadata.name))


def router_id(config: BGPConfigSpec, node: NodeFacts) -> IPv4Address:
    """Return the BGP Identifier: as configured, the IPv4 InternalIP, or made of the name."""
    if config.router_id is not None:
        return IPv4Address(config.router_id)
    for address in node.addresses:
        if isinstance(address, IPv4Address):
            return address
    digest = blake2b(node.name.encode(), digest_size=4).digest()
    return IPv4Address(int.from_bytes(digest, "big") or 1)  # 0 is no identifier, RFC 6286 §2.1


def _resolve(
    peer: BGPPeer,
    spec: BGPPeerSpec,
    config: BGPConfigSpec,
    node: NodeFacts,
    secrets: Mapping[str, Secret],
) -> PeerConfig | Verdict:
    subject = f"BGPPeer/{peer.metadata.name}"
    password: bytes | None = None
    if spec.auth is not None:
        ref = spec.auth.secret_ref
        secret = secrets.get(ref.name)
        password = secret.data.get(ref.key) if secret is not None else None
        if not password:
            return Verdict(
                reason=Reason.SECRET_MISSING,
                message=(
                    f"spec.auth.secretRef: Secret {ref.name} has no password under {ref.key!r}; "
                    "the session does not start without it"
                ),
                remedy=f"create Secret {ref.name} in Porter's namespace with the key {ref.key}",
                subject=subject,
            )
    hops = spec.next_hop
    try:
        tcp = _tcp(spec, password)
        return PeerConfig(
            session=_session(spec, config, node, tcp),
            tcp=tcp,
            max_prefixes=MaxPrefixes(
                limit=spec.max_prefixes.limit,
                action=MaxPrefixAction(spec.max_prefixes.action.value),
            ),
            next_hop_ipv4=IPv4Address(hops.ipv4) if hops and hops.ipv4 else None,
            next_hop_ipv6=IPv6Address(hops.ipv6) if hops and hops.ipv6 else None,
        )
    except ValueError as error:
        return Verdict(
            reason=Reason.INVALID,
            message=f"on Node/{node.name}: {error}",
            remedy=f"correct {subject} or the BGPConfig of this node",
            subject=subject,
        )


def _tcp(spec: BGPPeerSpec, password: bytes | None) -> TcpConfig:
    return TcpConfig(
        remote=ip_address(spec.address or ""),
        port=spec.port,
        source=_address(spec.source.address if spec.source else None),
        interface=spec.source.interface if spec.source else None,
        connect_timeout=spec.timers.connect_seconds,
        ttl=spec.multihop.ttl if spec.multihop else None,
        gtsm_hops=spec.ttl_security.hops if spec.ttl_security else None,
        md5_password=password,
    )


def _session(
    spec: BGPPeerSpec, config: BGPConfigSpec, node: NodeFacts, tcp: TcpConfig
) -> SessionConfig:
    up = spec.admin_state is PeerAdminState.UP and config.admin_state is SpeakerAdminState.UP
    restart = None
    if config.graceful_restart.mode is Switch.ENABLED:
        restart = GracefulRestartConfig(
            restart_time=config.graceful_restart.restart_seconds,
            notification=False,  # a peer may only rely on it where BFD vouches for the link
        )
    families = _families(spec, tcp.remote)
    several = spec.add_path.mode is AddPathMode.SEND
    return SessionConfig(
        local_asn=config.asn or 0,
        router_id=router_id(config, node),
        peer_asn=spec.asn,
        peer_type=PeerType(spec.peer_type.value) if spec.peer_type is not None else None,
        families=families,
        hold_time=spec.timers.hold_seconds,
        keepalive_time=spec.timers.keepalive_seconds,
        connection=Connection(spec.connection.value),
        local_as=spec.local_asn,
        graceful_restart=restart,
        add_path=AddPathConfig(send=frozenset(families)) if several else None,
        admin_up=up,
        shutdown_message=spec.shutdown_message,
        loopback=tcp.remote.is_loopback,
    )


def _families(spec: BGPPeerSpec, remote: Address) -> tuple[AddressFamily, ...]:
    if spec.families:
        return tuple(AddressFamily.parse(family.value) for family in spec.families)
    return (Prefix.of(remote).family,)


def _listen(config: BGPConfigSpec, peers: Mapping[str, PeerConfig]) -> tuple[ListenConfig, ...]:
    """Return the sockets asked for, or those that the passive peers need."""
    if config.listen is not None:
        addresses = config.listen.addresses or ("0.0.0.0", "::")  # noqa: S104 - asked for
        return tuple(
            ListenConfig(address=ip_address(text), port=config.listen.port) for text in addresses
        )
    needed: dict[ListenConfig, None] = {}
    for peer in peers.values():
        if peer.session.connection is not Connection.ACTIVE:
            wildcard = ip_address("0.0.0.0" if peer.tcp.remote.version == 4 else "::")  # noqa: S104 - a passive peer without source connects to any of our addresses
            needed[ListenConfig(address=peer.tcp.source or wildcard, port=BGP_PORT)] = None
    return tuple(needed)


def _conflict(peer: BGPPeer, older: str, remote: Address) -> Verdict:
    return Verdict(
        reason=Reason.CONFLICTING,
        message=f"spec.address: {remote} is the address of the older BGPPeer/{older} on this node",
        remedy="delete one of the two, or select different nodes",
        subject=f"BGPPeer/{peer.metadata.name}",
    )


def _address(text: str | None) -> Address | None:
    return ip_address(text) if text is not None else None
