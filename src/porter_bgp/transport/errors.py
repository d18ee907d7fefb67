"""What a socket's error means to the person who configured the peer."""

from __future__ import annotations

import errno

_MEANING = {
    errno.ECONNREFUSED: "connection refused: nothing listens there, or the peer is not configured",
    errno.ECONNRESET: "connection reset by the peer",
    errno.EPIPE: "connection closed by the peer",
    errno.ETIMEDOUT: "no answer: check address, TCP MD5 password, and the distance in hops",
    errno.EHOSTUNREACH: "no route to the host, or a hop refused",
    errno.ENETUNREACH: "no route to the network",
    errno.EADDRNOTAVAIL: "the source address is not on this node",
    errno.EADDRINUSE: "the local address and port are in use",
    errno.EACCES: "not permitted: ports below 1024 need NET_BIND_SERVICE",
    errno.EPERM: "not permitted by the kernel or a packet filter",
    errno.ENOPROTOOPT: "the kernel lacks this socket option (TCP MD5, RFC 2385)",
    errno.ENODEV: "no such interface",
}


def describe(error: OSError | None) -> str:
    """One sentence for a connection that failed or ended; None means that the peer closed it."""
    if error is None:
        return "closed by the peer"
    if isinstance(error, TimeoutError) and error.errno is None:
        return _MEANING[errno.ETIMEDOUT]
    if error.errno is None:
        return str(error)
    return _MEANING.get(error.errno, error.strerror or str(error))
