"""GoBGP, driven by its gRPC API.

Stubs are generic and messages are written field by field, so that nothing need be generated.
Routes are given in the octets of their NLRI and attributes, which costs GoBGP least.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc

from bench.protobuf import field, first_number
from bench.routes import host_route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from bench.processes import Program

_FAMILY = field(1, 1) + field(2, 1)  # Family{afi, safi}: IPv4 unicast
_ORIGIN = bytes.fromhex("40010100")
_NEXT_HOP = bytes.fromhex("40030400000000")  # unspecified: its own address
_COMMUNITIES = bytes.fromhex("c00804")  # the one that follows
_PATHS_A_REQUEST = 1000
_QUICKLY = [("grpc.initial_reconnect_backoff_ms", 20), ("grpc.min_reconnect_backoff_ms", 20)]
_SECONDS = 30.0

_CONFIG = """\
[global.config]
as = 64512
router-id = "127.0.0.2"
port = -1
[[neighbors]]
[neighbors.config]
neighbor-address = "127.0.0.1"
peer-as = 65000
[neighbors.transport.config]
remote-port = {port}
local-address = "127.0.0.2"
[neighbors.timers.config]
connect-retry = 1
idle-hold-time-after-reset = 1
"""


class GoBgp:
    """Debian's gobgpd."""

    name = "GoBGP"
    program = "gobgpd"
    environment: Mapping[str, str] = {}

    def prepare(self, directory: Path, port: int, count: int) -> list[str]:
        """Write its configuration."""
        del count  # it is told by `hold`
        config = directory / "gobgp.toml"
        config.write_text(_CONFIG.format(port=port))
        return [self.program, "--config-file", str(config), "--api-hosts", _address(directory)]

    def hold(self, running: Program, directory: Path, count: int) -> None:
        """Add all routes, and see that all are there."""
        with grpc.insecure_channel(_address(directory), options=_QUICKLY) as channel:
            add = channel.stream_unary("/apipb.GobgpApi/AddPathStream", bytes, bytes)
            get = channel.unary_unary("/apipb.GobgpApi/GetTable", bytes, bytes)
            try:
                add(_requests(count), timeout=_SECONDS, wait_for_ready=True)
                held = first_number(get(field(2, _FAMILY), timeout=_SECONDS))
            except grpc.RpcError as error:
                raise running.failure(f"refused its routes: {error}") from error
        if held != count:
            raise running.failure(f"holds {held} of {count} routes")

    def change(self, number: int, community: int) -> bytes:
        """An AddPathRequest."""
        return field(3, _path(number) + field(21, _COMMUNITIES + community.to_bytes(4)))

    @contextmanager
    def changes(self, directory: Path) -> Iterator[Callable[[bytes], None]]:
        """Its gRPC API; the calls return when it has taken the route."""
        with grpc.insecure_channel(_address(directory), options=_QUICKLY) as channel:
            add = channel.unary_unary("/apipb.GobgpApi/AddPath", bytes, bytes)

            def tell(message: bytes) -> None:
                add(message, timeout=_SECONDS)

            grpc.channel_ready_future(channel).result(timeout=_SECONDS)
            yield tell


def _requests(count: int) -> Iterator[bytes]:
    for first in range(0, count, _PATHS_A_REQUEST):
        numbers = range(first, min(first + _PATHS_A_REQUEST, count))
        yield b"".join(field(3, _path(number)) for number in numbers)


def _path(number: int) -> bytes:
    nlri = b"\x20" + host_route(number).packed
    return field(9, _FAMILY) + field(20, nlri) + field(21, _ORIGIN) + field(21, _NEXT_HOP)


def _address(directory: Path) -> str:
    return f"unix://{directory}/gobgp.sock"
