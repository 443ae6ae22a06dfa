import re
from dataclasses import fields

import pytest

from services.demo.reconciliation import Subject
from services.demo.words import WORDS, Words, language_of


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW.UTF-8", "LC_ALL": ""}, "zh"),
    ],
)
def test_the_terminals_language_follows_posix(environ: dict[str, str], language: str) -> None:
    assert language_of(environ) == language


def test_both_languages_name_every_subject_and_the_same_facts() -> None:
    assert {language: set(words.subjects) for language, words in WORDS.items()} == {
        "en": set(Subject),
        "zh": set(Subject),
    }
    for field in fields(Words):
        english, chinese = (str(getattr(WORDS[language], field.name)) for language in ("en", "zh"))
        assert _facts(english) == _facts(chinese), field.name


def _facts(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)", text))
