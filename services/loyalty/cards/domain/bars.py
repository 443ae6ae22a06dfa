"""Code 128 (ISO/IEC 15417): a card's number as bars that every till's scanner reads."""

from typing import Final

BAR_TEXT_LENGTH_MAX: Final = 40
"""What fits a phone's width in bars that can still be read."""

# The symbol characters 0 to 105 and the stop, as widths of bar, space, bar …; ISO/IEC 15417, table 1.
_TABLE: Final = """
212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231
113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211
212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131
113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111
314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211
241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141
214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214
211232 2331112"""
PATTERNS: Final = tuple(_TABLE.split())
START_B: Final = 104
START_C: Final = 105
STOP: Final = 106
MODULUS: Final = 103
_FIRST_OF_B: Final = 32
_LAST_OF_B: Final = 126


def can_be_bars(text: str) -> bool:
    """Whether a text is written in characters of code set B and fits."""
    return 0 < len(text) <= BAR_TEXT_LENGTH_MAX and all(_FIRST_OF_B <= ord(sign) <= _LAST_OF_B for sign in text)


def bars(text: str) -> tuple[int, ...]:
    """The widths of bars and spaces in modules, beginning with a bar; quiet zones of 10 modules belong beside them.

    An even row of digits is written two to a character (code set C), anything else one by one (code set B).
    """
    assert can_be_bars(text)
    if text.isdecimal() and len(text) % 2 == 0:
        values = [START_C, *(int(text[place : place + 2]) for place in range(0, len(text), 2))]
    else:
        values = [START_B, *(ord(sign) - _FIRST_OF_B for sign in text)]
    check = (values[0] + sum(place * value for place, value in enumerate(values[1:], start=1))) % MODULUS
    return tuple(int(width) for value in (*values, check, STOP) for width in PATTERNS[value])
