"""Ports that nobody uses yet."""

import socket
from collections.abc import Collection, Iterator

from services.platform.supervision.errors import NoFreePort

NEIGHBORS_TRIED_MAX = 50
ANY_PORT = 0


def free_port(preferred: int, *, address: str = "127.0.0.1", promised: Collection[int] = ()) -> int:
    """``preferred``, or the next port above it that can be bound now, or any; never one that is ``promised`` already.

    Somebody may take it before it is bound in earnest; a process that fails to bind is restarted like any other.

    Raises:
        NoFreePort: the address itself can't be bound.
    """
    for port in _candidates(preferred):
        if port in promised:
            continue
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: closed connections linger
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise NoFreePort(address=address)


def _candidates(preferred: int) -> Iterator[int]:
    yield from range(preferred, min(preferred + NEIGHBORS_TRIED_MAX, 65536))
    yield ANY_PORT
