"""Batches about cards."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.loyalty.cards.queries import CardSurroundings, surroundings_question
from services.platform.db.questions import Question
from services.platform.db.session import ReadSession


def card_surroundings_by_key(session: ReadSession, keys: Sequence[UUID]) -> Question[Mapping[UUID, CardSurroundings]]:
    """What members' cards show beside them, by member."""
    return surroundings_question(session, member_ids=keys)
