"""Putting values into words, without any logic: ``{{ name }}`` and ``{{#name}} … {{/name}}``.

The second form keeps its inside only when the value is not empty. Values are never read as template text, so a
member called ``{{ balance }}`` stays called that.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping

_VARIABLE = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")
_OPTIONAL = re.compile(r"\{\{#([a-z][a-z0-9_]*)\}\}(.*?)\{\{/\1\}\}", re.DOTALL)
_STRAY = re.compile(r"\{\{|\}\}")
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LINE_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


def variables_in(template: str) -> frozenset[str]:
    """The names of all variables a template uses, optional blocks included.

    Raises:
        ValueError: braces that belong to no variable or block, or blocks inside one another.
    """
    names = set()
    rest = template
    for pattern in (_OPTIONAL, _VARIABLE):
        names |= {match[1] for match in pattern.finditer(rest)}
        rest = pattern.sub(lambda match: match[2] if match.re is _OPTIONAL else "", rest)
    if _STRAY.search(rest):
        message = f"stray braces in {rest!r}"
        raise ValueError(message)
    return frozenset(names)


def substitute(template: str, values: Mapping[str, str], *, escape: Callable[[str], str]) -> str:
    """``template`` with every variable replaced by its escaped value, each as one line of harmless characters.

    Where Han characters and Latin letters or digits meet at the edge of a value, a space is put between them, as
    Chinese typography wants it.

    Raises:
        KeyError: a variable has no value.
    """
    kept = _OPTIONAL.sub(lambda match: match[2] if values[match[1]] else "", template)

    def replacement(match: re.Match[str]) -> str:
        value = one_line(values[match[1]])
        before, after = kept[match.start() - 1 : match.start()], kept[match.end() : match.end() + 1]
        left = " " if _need_space(before, value[:1]) else ""
        right = " " if _need_space(value[-1:], after) else ""
        return f"{left}{escape(value)}{right}"

    return _VARIABLE.sub(replacement, kept)


def one_line(value: str) -> str:
    """``value`` with line breaks and control characters as spaces, and without marks that turn the reading direction.

    A name must neither begin a new header or line, nor make the words after it read backwards.
    """
    visible = (character for character in value if character not in _BIDI_CONTROLS)
    return "".join(
        " " if unicodedata.category(character) in _LINE_CATEGORIES else character for character in visible
    ).strip()


def _need_space(left: str, right: str) -> bool:
    return (_is_han(left) and _is_latin(right)) or (_is_latin(left) and _is_han(right))


def _is_han(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"


def _is_latin(character: str) -> bool:
    return character.isalnum() and character < "\u0250"
