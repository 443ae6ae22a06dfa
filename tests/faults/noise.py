"""A noisy caller, in a process of its own so that it takes nothing from whoever measures.

Run as ``python -m tests.faults.noise``; it reads what to do from its standard input, and tells at the end how it went.
"""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.platform.clock import monotonic

ROOT = Path(__file__).parents[2]
THREADS = 8
PAUSE_SECONDS = 0.02
END_SECONDS_MAX = 120
BEGIN, PAUSE = "begin\n", "pause\n"


@dataclass(slots=True)
class Noise:
    """What the noisy caller's requests were answered with, and the points that were spent on them."""

    statuses: Counter[int] = field(default_factory=Counter)
    points: int = 0
    complaints: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Attackers:
    """The process of a noisy caller."""

    process: subprocess.Popen[str]

    def begin(self) -> None:
        """Make noise."""
        self._say(BEGIN)

    def pause(self) -> None:
        """Be silent; what is under way is still answered."""
        self._say(PAUSE)

    def end(self) -> Noise:
        """Stop, and tell what came of it."""
        told: dict[str, Any] = json.loads(self.process.communicate(timeout=END_SECONDS_MAX)[0])
        statuses = Counter({int(status): count for status, count in told["statuses"].items()})
        return Noise(statuses, told["points"], told["complaints"])

    def _say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word)
        self.process.stdin.flush()


@contextmanager
def attacking(port: int, token: str, document: str, *, points_per_second: int) -> Iterator[Attackers]:
    """Somebody who asks, as far as the answers allow it, for so many points a second."""
    words = (sys.executable, "-m", "tests.faults.noise", str(port), token, document, str(points_per_second))
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Attackers(process)
        finally:
            process.kill()


class _Caller:
    """Several threads that share one measure of how much they have asked for."""

    def __init__(self, port: int, token: str, document: str, points_per_second: int) -> None:
        self.noise = Noise()
        self.is_ended = False
        self._port = port
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        self._body = json.dumps({"query": document})
        self._points_per_second = points_per_second
        self._may_ask = threading.Event()
        self._lock = threading.Lock()
        self._ahead_until = 0.0

    def begin(self) -> None:
        self._ahead_until = monotonic()
        self._may_ask.set()

    def pause(self) -> None:
        self._may_ask.clear()

    def work(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while not self.is_ended:
            if not self._may_ask.is_set() or monotonic() < self._ahead_until:
                time.sleep(PAUSE_SECONDS)
                continue
            connection.request("POST", "/graphql", self._body, self._headers)
            answer = connection.getresponse()
            self._take(answer, json.loads(answer.read()))
        connection.close()

    def _take(self, answer: http.client.HTTPResponse, content: dict[str, Any]) -> None:
        with self._lock:
            noise = self.noise
            noise.statuses[answer.status] += 1
            cost = 0
            if answer.status == http.client.TOO_MANY_REQUESTS:
                cost = int(content["errors"][0]["extensions"]["requested"])
                if not int(answer.headers.get("Retry-After", "0")) > 0:
                    noise.complaints.append("429 without Retry-After")
            elif answer.status != http.client.OK or "errors" in content:
                noise.complaints.append(f"{answer.status} {content.get('errors')}"[:200])
            else:
                cost = int(content["extensions"]["cost"]["requested"])
                noise.points += cost
            self._ahead_until += cost / self._points_per_second


def main(words: list[str]) -> None:
    """Make noise as the lines of the standard input say, until it ends."""
    port, token, document, points_per_second = words
    caller = _Caller(int(port), token, document, int(points_per_second))
    threads = [threading.Thread(target=caller.work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for line in sys.stdin:
        (caller.begin if line == BEGIN else caller.pause)()
    caller.is_ended = True
    for thread in threads:
        thread.join()
    noise = caller.noise
    told = {"statuses": noise.statuses, "points": noise.points, "complaints": sorted(set(noise.complaints))}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
