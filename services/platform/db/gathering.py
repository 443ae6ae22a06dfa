"""What follows commits, gathered: whoever commits goes on at once, and a thread tells of many commits together."""

import threading
from collections.abc import Callable

from services.platform.db.homes import Home

Tell = Callable[[frozenset[Home]], float]
"""Tells of homes in which something was committed, and says how many seconds to rest after it. It does not raise."""


class Gatherer:
    """Hands over the homes that were added since it last did, from a thread of its own. `close` hands over the rest."""

    def __init__(self, name: str, tell: Tell) -> None:
        self._tell = tell
        self._waiting: set[Home] = set()
        self._changed = threading.Condition()
        self._is_open = True
        self._thread = threading.Thread(target=self._tell_often, name=name, daemon=True)
        self._thread.start()

    def add(self, home: Home) -> None:
        """Something of ``home`` was committed; returns at once."""
        with self._changed:
            self._waiting.add(home)
            self._changed.notify()

    def close(self) -> None:
        """Tell of what is waiting and stop."""
        with self._changed:
            self._is_open = False
            self._changed.notify()
        self._thread.join()

    def _tell_often(self) -> None:
        while True:
            with self._changed:
                while self._is_open and not self._waiting:
                    self._changed.wait()
                homes, self._waiting = frozenset(self._waiting), set()
                if not homes and not self._is_open:
                    return
            rest_seconds = self._tell(homes)
            with self._changed:
                self._changed.wait_for(lambda: not self._is_open, timeout=rest_seconds)
