"""A caller of the GraphQL API over one HTTP connection, who tells an answer from the lack of one."""

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 45
"""Longer than the product's own patience with a database that is away, so that nobody hangs up on a good answer."""

TRY_AGAIN = "SERVICE_UNAVAILABLE"


class NoAnswer(Exception):
    """Nobody can say whether the request was done. Send it again under the same key. The text says what happened."""


@dataclass(eq=False)
class Refused(Exception):
    """The product says no, with a code; nothing was done."""

    code: str
    message: str


@dataclass(eq=False)
class Unforeseen(NoAnswer):
    """The product masked an error of its own: a crash may cost an answer, but should never look like a bug."""

    code: str


class Caller:
    """One caller. Not for several threads at once."""

    def __init__(self, port: int, *, token: str | None = None) -> None:
        self._port = port
        self._token = token
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The ``data`` of an operation.

        Raises:
            NoAnswer, Unforeseen
            Refused: by a top-level error that is not worth another try.
        """
        answer = self._exchange({"query": document, "variables": variables or {}})
        for error in answer.get("errors", ()):
            code = str(error.get("extensions", {}).get("code"))
            if code == TRY_AGAIN:
                raise NoAnswer(code)
            if code == "INTERNAL":
                raise Unforeseen(code)
            raise Refused(code, str(error.get("message")))
        data: dict[str, Any] = answer["data"]
        return data

    def command(self, document: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The payload of a document with one mutation that takes ``$input`` and names its result ``done``.

        Raises:
            NoAnswer, Unforeseen
            Refused: by a member of the result union, or at the top.
        """
        result: dict[str, Any] = self.ask(document, {"input": given})["done"]
        if "code" in result:
            raise Refused(result["code"], result["message"])
        return result

    def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _exchange(self, request: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
            self._connection.request("POST", "/graphql", body=json.dumps(request).encode(), headers=headers)
            body = self._connection.getresponse().read()
            answer: dict[str, Any] = json.loads(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise NoAnswer(type(error).__name__) from error
        return answer


def free_port() -> int:
    """A port that nobody listens on now. Whoever takes it before its user fails loudly at the start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
