"""``python -m services.doubles.mailbox --smtp-port N --http-port M --store DIR``: the sink and its page, one process.

Prints one line when both ports listen. Port 0 takes any free one; the line tells which.
"""

import argparse
import asyncio
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from services.doubles.mailbox.page import create_page
from services.doubles.mailbox.smtp import listening_port, start_smtp
from services.doubles.mailbox.store import MailStore

_LOOPBACK_NAMES = ("localhost", "127.0.0.1")
_GRACE_SECONDS = 3


def main() -> int:
    """Run until told to stop; 1 when a port is taken."""
    parser = argparse.ArgumentParser(prog="python -m services.doubles.mailbox", description="A local mail sink.")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--store", type=Path, required=True, help="folder that keeps the mail")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--allow-host", action="append", default=[], help="host name to answer to, besides loopback")
    asked = parser.parse_args()
    # uvicorn stops in good order at these signals and then raises them again; both ways the store gets closed.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, _leave)
    try:
        asyncio.run(_serve(asked))
    except OSError as error:
        print(f"mailbox: {error}", file=sys.stderr)  # noqa: T201  the process's own words
        return 1
    return 0


def _leave(signal_number: int, frame: FrameType | None) -> None:
    del signal_number, frame
    sys.exit(0)


async def _serve(asked: argparse.Namespace) -> None:
    store = MailStore(asked.store)
    try:
        smtp = await start_smtp(store, host=asked.host, port=asked.smtp_port)
        web_socket = socket.create_server((asked.host, asked.http_port))
        web_port = web_socket.getsockname()[1]
        page = create_page(store, allowed_hosts=(*_LOOPBACK_NAMES, *asked.allow_host))
        config = uvicorn.Config(
            page, lifespan="off", log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE_SECONDS
        )
        ready = f"mailbox ready: smtp://{asked.host}:{listening_port(smtp)} http://{asked.host}:{web_port}"
        print(ready, flush=True)  # noqa: T201  what the supervisor waits for
        try:
            await uvicorn.Server(config).serve(sockets=[web_socket])
        finally:
            # Not waited for: a sender that keeps its connection would keep us.
            smtp.close()
    finally:
        store.close()


if __name__ == "__main__":
    sys.exit(main())
