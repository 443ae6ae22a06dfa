"""One WebSocket that speaks graphql-transport-ws: who it is, its operations, and an end for every misuse of it.

Whatever a client sends, it is answered, or the socket is closed with a code and a reason. What a socket may hold is
bounded: its operations, one answer of each, and the time in which an answer has to be taken.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Any

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from services.gateway.context.errors import QueryLimitExceeded, RateLimited, ServiceUnavailable
from services.gateway.context.request import RequestContext, preferred_locale
from services.gateway.graphql.answers import TOLD_AT_THE_TOP, describe, internal
from services.gateway.graphql.feed import LiveFeed
from services.gateway.graphql.runner import Runner
from services.gateway.live.messages import (
    CloseCode,
    Closing,
    Complete,
    Initialise,
    Message,
    Ping,
    Pong,
    Subscribe,
    read_frame,
)
from services.gateway.live.watch import Watch
from services.gateway.middleware.identity import Door, bearer_of
from services.platform.auth.errors import CredentialInvalid
from services.platform.auth.standing import Held
from services.platform.ids import new_id
from services.platform.telemetry import metrics
from services.platform.tenancy.errors import TenancyError, TenantUpgrading

INITIALISATION_SECONDS = 10.0
READING_SECONDS = 20.0
"""How long an answer may wait to be taken by its client."""
DRAIN_SECONDS = 2.0
"""How long operations under way may go on when the server ends."""
CLOSING_SECONDS = 1.0
OPERATIONS_MAX = 50
REASON_BYTES_MAX = 123
"""Of a WebSocket's close frame."""

GOING_AWAY_EVENT = "regulars.going_away"
"""The server is about to end; `services.gateway.server` says so in the place of a WebSocket's event."""

# What the payload of connection_init may say, since scripts of a page can't set headers: by which header it is known.
PAYLOAD_HEADERS: Mapping[str, str] = {
    "authorization": "Authorization",
    "tenant": "X-Tenant",
    "x-tenant": "X-Tenant",
    "accept-language": "Accept-Language",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What the sockets of a process share."""

    runner: Runner
    feed: LiveFeed
    watch: Watch
    door: Door

    def open(self) -> None:
        """Begin to hear the feed and to watch the sockets, in the running event loop."""
        self.feed.open()
        self.watch.open()

    async def close(self) -> None:
        """Stop both; the sockets are closed by now."""
        await self.watch.close()
        await self.feed.close()


LEFT = 1006
"""How the metrics count a socket that its client has left: by the code for an end without one."""


class Gone(Exception):
    """The client has closed the socket, or it broke."""


class Socket:
    """A socket from its acceptance to its end."""

    def __init__(self, desk: Desk, scope: Scope, receive: Receive, send: Send) -> None:
        self._desk = desk
        self._headers = Headers(scope=scope)
        self._peer: str = (scope.get("client") or ("",))[0]
        self._receive = receive
        self._send = send
        self._speaking = asyncio.Lock()
        self._away: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()
        self._context: RequestContext | None = None
        """Whose it is, once that is known."""
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def send_away(self, closing: Closing) -> None:
        """Close the socket soon; its operations end."""
        if not self._away.done():
            self._away.set_result(closing)

    async def serve(self) -> None:
        """Talk until somebody ends it. The socket is accepted, and closed when this returns."""
        metrics.socket_opened()
        code = LEFT
        try:
            with self._desk.watch.stranger(self):
                await self._talk()
        except Closing as closing:
            code = int(closing.code)
            await self._close(closing)
        finally:
            metrics.socket_closed(code)

    async def _talk(self) -> None:
        listening = asyncio.create_task(self._listen())
        try:
            await asyncio.wait((listening, self._away), return_when=asyncio.FIRST_COMPLETED)
            if self._away.done():
                raise self._away.result()
            with suppress(Gone):
                await listening
        except Closing as closing:
            if closing.code is CloseCode.GOING_AWAY and self._tasks:
                await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)
            raise
        finally:
            await _end(listening, *self._tasks)

    async def _listen(self) -> None:
        try:
            async with asyncio.timeout(INITIALISATION_SECONDS):
                while self._context is None:
                    await self._answer(await self._next())
        except TimeoutError as error:
            raise Closing(CloseCode.INITIALISATION_TIMEOUT, "Connection initialisation timeout") from error
        while True:
            await self._answer(await self._next())

    async def _next(self) -> Message:
        event = await self._receive()
        if event["type"] == "websocket.receive":
            return read_frame(dict(event))
        if event["type"] == GOING_AWAY_EVENT:
            raise Closing(CloseCode.GOING_AWAY, "The server ends; connect again")
        raise Gone

    async def _answer(self, message: Message) -> None:
        match message:
            case Initialise(payload):
                await self._initialise(payload)
            case Ping(payload):
                await self._say({"type": "pong", **({} if payload is None else {"payload": payload})})
            case Pong():
                pass
            case Subscribe():
                await self._subscribe(message)
            case Complete(id_):
                task = self._operations.pop(id_, None)
                if task is not None:
                    task.cancel()

    async def _initialise(self, payload: Mapping[str, Any]) -> None:
        if self._context is not None:
            raise Closing(CloseCode.TOO_MANY_INITIALISATIONS, "Too many initialisation requests")
        headers = _with_payload(self._headers, payload)
        if "Authorization" not in headers:
            raise Closing(CloseCode.FORBIDDEN, "Forbidden: give a credential in the payload or by the header")
        try:
            token = bearer_of(headers) or ""
            reached = await self._desk.door.reach(headers, peer=self._peer)
        except (RateLimited, ServiceUnavailable, TenantUpgrading) as error:
            raise Closing(CloseCode.TRY_AGAIN_LATER, error.code) from error
        except (CredentialInvalid, TenancyError) as error:
            raise Closing(CloseCode.FORBIDDEN, f"Forbidden: {error.code}") from error
        self._desk.watch.hold(self, Held(token, reached))
        locale = preferred_locale(headers.get("Accept-Language", ""))
        self._context = RequestContext(new_id().hex, locale, reached.tenant, reached.principal, peer=self._peer)
        bind_contextvars(tenant=reached.tenant.slug if reached.tenant else None)
        await self._say({"type": "connection_ack"})

    async def _subscribe(self, message: Subscribe) -> None:
        if self._context is None:
            raise Closing(CloseCode.UNAUTHORIZED, "Unauthorized")
        if message.id in self._operations:
            raise Closing(CloseCode.SUBSCRIBER_ALREADY_EXISTS, f"Subscriber for {message.id} already exists")
        if len(self._operations) >= OPERATIONS_MAX:
            refused = QueryLimitExceeded("operationsPerSocket", OPERATIONS_MAX, OPERATIONS_MAX + 1)
            await self._say_errors(message.id, [describe(refused, self._context.locale)])
            return
        task = asyncio.create_task(self._operate(message, self._context))
        self._operations[message.id] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _operate(self, message: Subscribe, context: RequestContext) -> None:
        """Answer one operation, until it is complete or refused."""

        def current() -> RequestContext:
            again = replace(context, correlation_id=new_id().hex)
            bind_contextvars(correlation_id=again.correlation_id)
            return again

        try:
            refused = await self._tell(message, current)
        except (Closing, Gone) as end:
            self.send_away(end if isinstance(end, Closing) else Closing(CloseCode.NORMAL, ""))
            return
        except TOLD_AT_THE_TOP as error:
            refused = [describe(error, context.locale)]
        except Exception as error:  # noqa: BLE001  the edge: whatever it is, the client gets an answer without innards
            refused = [dict(internal(current(), error))]
        # From here on the client may use the id again.
        del self._operations[message.id]
        with suppress(Closing, Gone):
            if refused is None:
                await self._say({"id": message.id, "type": "complete"})
            else:
                await self._say_errors(message.id, refused)

    async def _tell(self, message: Subscribe, current: Callable[[], RequestContext]) -> list[dict[str, object]] | None:
        """Send every answer of an operation; None, or why it does not run."""
        async with aclosing(self._desk.runner.answers(message.request, current, self._desk.feed)) as answers:
            async for has_run, content in answers:
                if not has_run:
                    errors: list[dict[str, object]] = content["errors"]
                    return errors
                await self._say({"id": message.id, "type": "next", "payload": content})
        return None

    async def _say_errors(self, id_: str, errors: list[dict[str, object]]) -> None:
        await self._say({"id": id_, "type": "error", "payload": errors})

    async def _say(self, message: Mapping[str, Any]) -> None:
        text = orjson.dumps(message).decode()
        try:
            async with asyncio.timeout(READING_SECONDS), self._speaking:
                await self._send({"type": "websocket.send", "text": text})
        except TimeoutError as error:
            raise Closing(CloseCode.TOO_SLOW, "What was sent is not read") from error
        except OSError as error:
            raise Gone from error

    async def _close(self, closing: Closing) -> None:
        reason = closing.reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore")
        with suppress(OSError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._send({"type": "websocket.close", "code": int(closing.code), "reason": reason})


def _with_payload(headers: Headers, payload: Mapping[str, Any]) -> Headers:
    """The headers of the handshake, with what the payload says in their place.

    Raises:
        Closing: a value that no header could have.
    """
    merged = MutableHeaders(raw=list(headers.raw))
    for name, value in payload.items():
        header = PAYLOAD_HEADERS.get(name.lower())
        if header is None or value is None:
            continue
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise Closing(CloseCode.BAD_REQUEST, f"The payload's {header} is not a text of ASCII characters")
        merged[header] = value
    return merged


async def _end(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks, and wait until they have given back what they hold."""
    for task in tasks:
        task.cancel()
    # What they have to say was said, or is about a socket that is gone.
    await asyncio.gather(*tasks, return_exceptions=True)
