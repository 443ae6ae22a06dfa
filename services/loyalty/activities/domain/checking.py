"""A deed that was reported, checked: what is stored of it, what counts once, and what rules may ask."""

import hashlib
import json
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from services.loyalty.activities.domain.commands import (
    PROGRAM_SOURCE,
    CheckIn,
    CustomDeed,
    Deed,
    Happening,
    Mention,
    RecordActivity,
    Review,
    SurveyAnswer,
)
from services.loyalty.activities.domain.event_data import check_bounds
from services.loyalty.activities.errors import CheckInCodeExpired
from services.loyalty.programs.domain import Trigger
from services.platform.errors import InvalidInput
from services.platform.text import check_optional_text, check_text

STARS_MAX = 5
SCORE_MAX = 100
TEXT_LENGTH_MAX = 100_000
URL_LENGTH_MAX = 2_000


def check_deed(
    command: RecordActivity, *, member_id: UUID, day: date, occurred_at: datetime, now: datetime
) -> Happening:
    """The happening of a deed; ``day`` is the day in the program's zone on which it occurred.

    Raises:
        InvalidInput: a text, number or address out of bounds, or a source that is the program's own.
        CheckInCodeExpired
    """
    source = check_text(command.source, field="source")
    if source == PROGRAM_SOURCE:
        raise InvalidInput(field="source", reason="RESERVED", limit=PROGRAM_SOURCE)
    kind: dict[str, Any]
    match command.deed:
        case CheckIn():
            kind = _check_in(command.deed, member_id=member_id, day=day, now=now)
        case Review():
            kind = _review(command.deed, member_id=member_id)
        case SurveyAnswer():
            kind = _survey_answer(command.deed)
        case Mention():
            kind = _mention(command.deed, member_id=member_id)
        case CustomDeed():
            kind = _custom(command.deed)
    store_id = kind.pop("store_id", command.store_id)
    return Happening(
        trigger=trigger_of(command.deed),
        source=source,
        external_id=check_text(command.external_id, field="externalId"),
        occurred_at=occurred_at,
        store_id=store_id,
        **kind,
    )


def trigger_of(deed: Deed) -> Trigger:
    """What a deed sets off."""
    match deed:
        case CheckIn():
            return Trigger.CHECK_IN
        case Review():
            return Trigger.REVIEW
        case SurveyAnswer():
            return Trigger.SURVEY
        case Mention():
            return Trigger.MENTION
        case CustomDeed():
            return Trigger.CUSTOM_EVENT


def check_url(url: str, *, field: str) -> str:
    """The address of a page on the web.

    Raises:
        InvalidInput: it is too long, holds control characters, or is no https address of a host.
    """
    text = check_text(url, field=field, length_max=URL_LENGTH_MAX)
    try:
        parts = urlsplit(text)
        is_page = parts.scheme == "https" and bool(parts.hostname) and parts.username is None
    except ValueError:
        is_page = False
    if not is_page or not text.isascii() or any(character in ' "<>\\^`{|}' for character in text):
        raise InvalidInput(field=field, reason="NOT_A_WEB_ADDRESS")
    return text


def content_hash(happening: Happening, *, member_id: UUID, has_time: bool) -> bytes:
    """What tells two activities under one external id apart: SHA-256 of what was sent, the member by id."""
    content = {
        "data": happening.data,
        "event": happening.event_code,
        "member": str(member_id),
        # Without a time it happened when it was told: told again, it is the same.
        "occurredAt": happening.occurred_at.astimezone(UTC).isoformat() if has_time else None,
        "store": str(happening.store_id) if happening.store_id else None,
        "trigger": happening.trigger.value,
    }
    return hashlib.sha256(json.dumps(content, ensure_ascii=True, sort_keys=True).encode()).digest()


def _check_in(deed: CheckIn, *, member_id: UUID, day: date, now: datetime) -> dict[str, Any]:
    if deed.code_expires_at is not None and now >= deed.code_expires_at:
        raise CheckInCodeExpired(expired_at=deed.code_expires_at)
    method = "store" if deed.code_expires_at is None else "qr"
    return {
        "facts": {"event.method": method},
        "data": {"method": method},
        "store_id": deed.store_id,
        "once_key": f"check_in:{member_id}:{deed.store_id}:{day.isoformat()}",
    }


def _review(deed: Review, *, member_id: UUID) -> dict[str, Any]:
    sku = check_text(deed.sku, field="activity.review.sku")
    product = check_optional_text(deed.product, field="activity.review.product")
    if deed.stars is not None and not 1 <= deed.stars <= STARS_MAX:
        raise InvalidInput(field="activity.review.stars", reason="OUT_OF_RANGE", limit=str(STARS_MAX))
    if not 0 <= deed.text_length <= TEXT_LENGTH_MAX:
        raise InvalidInput(field="activity.review.textLength", reason="OUT_OF_RANGE", limit=str(TEXT_LENGTH_MAX))
    return {
        # The stars are not among them: what somebody thinks of a product is not for sale.
        "facts": {
            "event.product": product or sku,
            "event.hasPhoto": deed.has_photo,
            "event.textLength": deed.text_length,
        },
        "data": {
            "sku": sku,
            "product": product,
            "stars": deed.stars,
            "textLength": deed.text_length,
            "hasPhoto": deed.has_photo,
        },
        "once_key": f"review:{member_id}:{sku}",
        "sku": sku,
    }


def _survey_answer(deed: SurveyAnswer) -> dict[str, Any]:
    survey = check_text(deed.survey, field="activity.survey.survey")
    answer_id = check_text(deed.answer_id, field="activity.survey.answerId")
    if deed.score is not None and not 0 <= deed.score <= SCORE_MAX:
        raise InvalidInput(field="activity.survey.score", reason="OUT_OF_RANGE", limit=str(SCORE_MAX))
    return {
        # Nor is the score: an answer is rewarded for being given.
        "facts": {"event.survey": survey},
        "data": {"survey": survey, "answerId": answer_id, "score": deed.score},
        "once_key": f"survey:{survey}:{answer_id}",
    }


def _mention(deed: Mention, *, member_id: UUID) -> dict[str, Any]:
    url = check_url(deed.url, field="activity.mention.url")
    channel = check_optional_text(deed.channel, field="activity.mention.channel")
    return {
        "facts": {"event.channel": channel},
        "data": {"url": url, "channel": channel},
        "once_key": f"mention:{member_id}:{url}",
    }


def _custom(deed: CustomDeed) -> dict[str, Any]:
    return {
        "event_code": deed.event,
        "data": {"data": check_bounds(deed.data)},
    }
