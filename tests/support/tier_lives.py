"""A member's tier through time, with the letters about its loss, and what becomes of them; without a database."""

from dataclasses import replace
from datetime import datetime

from services.loyalty.programs.domain.telling import NoticeOutcome
from services.loyalty.tiers.domain import ChangeKind, Ladder, TierRecord, settle, tell


class TierLife:
    """A record that is looked after at every instant at which something is due, and whenever it is asked for."""

    def __init__(self, ladder: Ladder) -> None:
        self.ladder = ladder
        self.record = TierRecord()
        self.letters: list[tuple[datetime, datetime]] = []
        """When a letter went out, and the end that it named."""
        self.losses: list[datetime] = []
        """When reviews took a tier."""
        self.outcomes: list[tuple[datetime, NoticeOutcome]] = []
        """What becomes, and when, of every notice that was given by then."""

    def until(self, end: datetime) -> None:
        """Let time pass, that instant included."""
        while True:
            due = [self.record.next_at, self.record.notice_at, *(at for at, _ in self.outcomes)]
            found = min((at for at in due if at is not None), default=None)
            if found is None or found > end:
                break
            known_at = self.record.decided_at
            self.look(max(found, known_at) if known_at else found)
        self.look(end)

    def look(self, now: datetime) -> None:
        """Do what is due at an instant, in its order."""
        result = settle(self.ladder, self.record, now=now)
        reviews = {ChangeKind.REVIEW, ChangeKind.GRACE_ENDED}
        self.losses += [change.at for change in result.changes if change.kind in reviews and change.at]
        self.record, notice = tell(self.ladder, result.record, now=now, is_reachable=True)
        if notice is not None and notice.told_of is not None:
            self.letters.append((now, notice.told_of))
        for at, outcome in [each for each in self.outcomes if each[0] <= now]:
            self.outcomes.remove((at, outcome))
            self.settle(outcome, at=now)

    def settle(self, outcome: NoticeOutcome, *, at: datetime) -> None:
        """Something becomes of every notice that was given and of which nothing is known."""
        self.record = replace(
            self.record,
            notices=tuple(
                replace(notice, outcome=outcome, settled_at=at) if notice.id and not notice.outcome else notice
                for notice in self.record.notices
            ),
        )

    def become(self, record: TierRecord) -> None:
        """Go on with what something that happened has made of the record."""
        self.record = record
