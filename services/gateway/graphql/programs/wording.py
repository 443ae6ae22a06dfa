"""Sentences about program documents: what is wrong at a place, and what changes from one document to another.

Each names its place in the words of the document's author: the rule by its id and name, then the way inside it.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from babel.messages.pofile import read_po

from services.gateway.context.request import Locale
from services.gateway.graphql.sentences import FOLDER
from services.loyalty.programs.domain.differences import Change, ChangeKind
from services.loyalty.programs.errors import DocumentProblem, Place

_STEP_BETWEEN = " › "
_SHOWN_MAX = 200


@lru_cache(maxsize=len(Locale))
def program_catalog(locale: Locale) -> Mapping[str, str]:
    """All sentences and words about program documents in one language, by message id."""
    with (FOLDER / f"program.{locale}.po").open("rb") as file:
        messages = read_po(file, locale=locale)
    return {str(message.id): str(message.string) for message in messages if message.id}


def problem_message(problem: DocumentProblem, locale: Locale) -> str:
    """What is wrong, where, and what helps."""
    words = program_catalog(locale)
    facts = {name: value if value != "" else "–" for name, value in problem.facts.items()}
    sentence = words[f"PROBLEM.{problem.code}"].format(**facts)
    return words["SAID"].format(place=place_words(problem.place, locale), sentence=sentence)


def change_message(change: Change, locale: Locale) -> str:
    """What changes, where, from what to what."""
    words = program_catalog(locale)
    is_whole_part = change.place.part and not change.place.steps and change.kind is not ChangeKind.CHANGED
    template = words[f"CHANGE.{'PART_' if is_whole_part else ''}{change.kind.name}"]
    return template.format(
        place=place_words(change.place, locale),
        before=_shown(change.before, words),
        after=_shown(change.after, words),
    )


def place_words(place: Place, locale: Locale) -> str:
    """A place in words, such as ``Rule “base” (Base), formula › spend › points``."""
    words = program_catalog(locale)
    steps = _STEP_BETWEEN.join(_step(step, words) for step in place.steps)
    if not place.part:
        return steps[:1].upper() + steps[1:] if steps else words["PLACE_DOCUMENT"]
    name = place.name_zh if locale is Locale.ZH else place.name_en
    template = words["PLACE_NAMED" if name else "PLACE_UNNAMED"]
    part = template.format(part=words[f"PART.{place.part}"], code=place.code, name=name)
    return words["PLACE_INSIDE"].format(part=part, steps=steps) if steps else part


def _step(step: str, words: Mapping[str, str]) -> str:
    if step.isdecimal():
        return f"#{int(step) + 1}"
    return words.get(f"PLACE.{step}", step)


def _shown(value: Any, words: Mapping[str, str]) -> str:
    if isinstance(value, bool):
        return words["VALUE.TRUE" if value else "VALUE.FALSE"]
    if isinstance(value, str):
        return f"“{value}”"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
