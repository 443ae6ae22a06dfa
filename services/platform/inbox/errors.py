"""Why a letter has to wait, without anything being wrong."""

from services.platform.errors import DomainError


class LetterTooEarly(DomainError):
    """The letter speaks of something that another letter, still on its way, will tell. It rests and comes again."""
