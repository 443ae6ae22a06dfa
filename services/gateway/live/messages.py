"""Frames of graphql-transport-ws (https://github.com/enisdenj/graphql-ws/blob/master/PROTOCOL.md), both ways."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from services.gateway.context.errors import EdgeError, RequestMalformed
from services.gateway.graphql.requests import read_json, read_request
from services.gateway.graphql.runner import GraphQLRequest

SUBPROTOCOL = "graphql-transport-ws"
FRAME_BYTES_MAX = 256 * 1024
ID_LENGTH_MAX = 200


class CloseCode(IntEnum):
    """Why a socket is closed; the protocol's own codes, and the registered ones for servers that can't go on."""

    NORMAL = 1000
    GOING_AWAY = 1001
    INTERNAL_ERROR = 1011
    TRY_AGAIN_LATER = 1013
    TOO_SLOW = 4008
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INITIALISATION_TIMEOUT = 4408
    SUBSCRIBER_ALREADY_EXISTS = 4409
    TOO_MANY_INITIALISATIONS = 4429


class Closing(Exception):
    """The socket is to be closed; ``reason`` is for the people who build the client."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Initialise:
    """connection_init."""

    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ping:
    """ping: to be answered with the same payload."""

    payload: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Pong:
    """pong: needs no answer."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """subscribe: an operation under an id of the client's."""

    id: str
    request: GraphQLRequest


@dataclass(frozen=True, slots=True)
class Complete:
    """complete: the client wants no more of an operation."""

    id: str


Message = Initialise | Ping | Pong | Subscribe | Complete


def read_frame(event: dict[str, Any]) -> Message:
    """The message in an ASGI event ``websocket.receive``.

    Raises:
        Closing: it is none; with 4400 and what is wrong.
    """
    text = event.get("text")
    if text is None:
        raise Closing(CloseCode.BAD_REQUEST, "Binary frames are not spoken here")
    try:
        frame = text.encode()
    except UnicodeEncodeError as error:
        raise Closing(CloseCode.BAD_REQUEST, "The frame is not Unicode") from error
    if len(frame) > FRAME_BYTES_MAX:
        raise Closing(CloseCode.BAD_REQUEST, f"The frame is larger than {FRAME_BYTES_MAX} bytes")
    try:
        return _message(read_json(frame))
    except RequestMalformed as error:
        raise Closing(CloseCode.BAD_REQUEST, f"The message is malformed: {error.reason}") from error
    except EdgeError as error:
        raise Closing(CloseCode.BAD_REQUEST, f"The message is malformed: {error.code}") from error


def _message(members: dict[str, Any]) -> Message:
    payload = members.get("payload")
    match members.get("type"):
        case "connection_init":
            return Initialise(_object(payload) or {})
        case "ping":
            return Ping(_object(payload))
        case "pong":
            _object(payload)
            return Pong()
        case "subscribe":
            request = _object(payload)
            if request is None:
                raise RequestMalformed(reason="PAYLOAD_MISSING")
            return Subscribe(_id(members), read_request(request))
        case "complete":
            return Complete(_id(members))
    raise RequestMalformed(reason="TYPE_UNKNOWN")


def _object(payload: object) -> dict[str, Any] | None:
    if payload is not None and not isinstance(payload, dict):
        raise RequestMalformed(reason="PAYLOAD_NOT_AN_OBJECT")
    return payload


def _id(members: dict[str, Any]) -> str:
    given = members.get("id")
    if not isinstance(given, str) or not 0 < len(given) <= ID_LENGTH_MAX:
        raise RequestMalformed(reason="ID_MISSING")
    return given
