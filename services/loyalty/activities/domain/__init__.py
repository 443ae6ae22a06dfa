"""What members do besides buying, as values, and the checks of what is reported."""

from services.loyalty.activities.domain.commands import (
    PROGRAM_SOURCE,
    Activity,
    ActivityAccrual,
    CheckIn,
    CreateShare,
    CustomDeed,
    Deed,
    Happening,
    Mention,
    RecordActivity,
    RecordedActivity,
    Review,
    Share,
    SurveyAnswer,
)

__all__ = [
    "PROGRAM_SOURCE",
    "Activity",
    "ActivityAccrual",
    "CheckIn",
    "CreateShare",
    "CustomDeed",
    "Deed",
    "Happening",
    "Mention",
    "RecordActivity",
    "RecordedActivity",
    "Review",
    "Share",
    "SurveyAnswer",
]
