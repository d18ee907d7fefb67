"""Captured messages: files of `# meaning` and octets, and what a message means in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from porter_bgp.wire import (
    AddPath,
    ExtendedNextHop,
    GracefulRestart,
    Keepalive,
    Multiprotocol,
    Notification,
    Open,
    RouteRefreshMessage,
    UnknownCapability,
    Update,
    format_community,
    split_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from porter_bgp.wire import AddressFamily, Capability, Message, NlriKey, PathAttributes


def captured(path: Path) -> list[tuple[str, bytes]]:
    """Meaning and octets of each message in the file, in the order in which they came."""
    lines = path.read_text(encoding="utf-8").splitlines()
    told = [line.removeprefix("# ") for line in lines if line.startswith("# ")]
    octets = [bytes.fromhex(line) for line in lines if line and not line.startswith("#")]
    return list(zip(told, octets, strict=True))


def meaning(message: Message) -> str:
    """The message in one line, as the files have it."""
    match message:
        case Open():
            offered = " ".join(map(_capability, message.capabilities))
            return (
                f"OPEN AS {message.asn} {message.bgp_identifier} {message.hold_time} s: {offered}"
            )
        case Update():
            return "UPDATE " + "; ".join(_update(message))
        case Notification():
            return f"NOTIFICATION {message}"
        case Keepalive():
            return "KEEPALIVE"
        case RouteRefreshMessage():
            return f"ROUTE-REFRESH {message.family} subtype {message.subtype}"
        case _:
            assert_never(message)


def _update(update: Update) -> Iterator[str]:
    if update.end_of_rib is not None:
        yield f"end of {update.end_of_rib}"
    for family, keys, attributes in update.announced():
        yield f"announces {_routes(family, keys)} {_attributes(attributes)}"
    for family, keys in update.withdrawn_keys():
        yield f"withdraws {_routes(family, keys)}"


def _routes(family: AddressFamily, keys: list[NlriKey]) -> str:
    pairs = (split_key(family, key) for key in keys)
    return ", ".join(
        f"{prefix} id {path_id}" if path_id else str(prefix) for path_id, prefix in pairs
    )


def _attributes(attributes: PathAttributes) -> str:
    words = [f"via {attributes.next_hop} path {attributes.as_path} {attributes.origin.name}"]
    if attributes.med is not None:
        words.append(f"med {attributes.med}")
    words += map(format_community, attributes.communities)
    words += map(str, attributes.large_communities)
    return " ".join(words)


def _capability(capability: Capability) -> str:
    match capability:
        case Multiprotocol():
            return f"Multiprotocol({capability.family})"
        case UnknownCapability():
            return f"{capability.code}({capability.value.hex()})"
        case GracefulRestart():
            kept = ", ".join(f"{family} F={int(bit)}" for family, bit in capability.families)
            flags = f"R={int(capability.restarting)} N={int(capability.notification)}"
            return f"GracefulRestart({flags} {capability.restart_time} s, {kept})"
        case AddPath() | ExtendedNextHop():
            kinds = ", ".join(f"{family} {value}" for family, value in capability.entries)
            return f"{type(capability).__name__}({kinds})"
        case _:
            return type(capability).__name__
