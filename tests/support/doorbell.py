"""A doorbell that writes down what was rung, so that a test can answer when it likes."""

from collections import deque
from dataclasses import dataclass, field

from services.platform.db.homes import Home

Ring = tuple[str, dict[str, str | int | None]]


@dataclass(slots=True)
class RecordingDoorbell:
    """Rings and nudges in the order in which they came."""

    rings: deque[Ring] = field(default_factory=deque)
    nudges: list[Home] = field(default_factory=list)

    def nudge(self, home: Home) -> None:
        self.nudges.append(home)

    def ring(self, task: str, **keywords: str | int | None) -> bool:
        self.rings.append((task, keywords))
        return True

    def take(self, task: str) -> list[dict[str, str | int | None]]:
        """The rings for one task so far, forgotten afterwards."""
        taken = [keywords for name, keywords in self.rings if name == task]
        self.rings = deque(ring for ring in self.rings if ring[0] != task)
        return taken
