"""Ports that were promised to one process are not given to the next, though nobody listens there yet."""

import socket

from services.platform.supervision.ports import free_port


def test_a_promised_port_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        first = free_port(number)
        second = free_port(number, promised=(first,))

    assert first != number
    assert second not in {number, first}
