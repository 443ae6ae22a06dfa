"""The mark as a PNG (ISO/IEC 15948), drawn here: passes must hold pictures, and a merchant may have none."""

import struct
import zlib
from functools import lru_cache
from typing import Final

GROUND: Final = (29, 107, 87)
STROKE: Final = (255, 255, 255)
POINT: Final = (240, 145, 95)
SAMPLES: Final = 3
"""Along each side of a pixel, so that edges are smooth."""

_UNITS: Final = 32
"""The mark is drawn on a square of so many units."""
_BEGIN, _END, _WIDTH = 5, 27, 3
"""Where the ring begins and ends, and how wide it is."""
_CENTER: Final = 16
_RADIUS_SQUARED: Final = (441, 25)
"""Of the point: 4.2 units, squared."""


@lru_cache(maxsize=16)
def mark(size: int) -> bytes:
    """The mark, ``size`` pixels wide and high."""
    rows = b"".join(b"\0" + bytes(value for x in range(size) for value in _pixel(x, y, size)) for y in range(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _pixel(x: int, y: int, size: int) -> tuple[int, ...]:
    # Whole numbers only: a place is a count of parts of a unit.
    parts = 2 * SAMPLES * size
    across, down = ([(2 * (place * SAMPLES + index) + 1) * _UNITS for index in range(SAMPLES)] for place in (x, y))
    samples = [_color(left, top, parts) for left in across for top in down]
    return tuple((2 * sum(channel) + len(samples)) // (2 * len(samples)) for channel in zip(*samples, strict=True))


def _color(x: int, y: int, parts: int) -> tuple[int, int, int]:
    """A ring with square corners and a point within: 回, as far as a small picture can tell it."""
    over, under = _RADIUS_SQUARED
    if ((x - _CENTER * parts) ** 2 + (y - _CENTER * parts) ** 2) * under <= over * parts**2:
        return POINT
    is_within = all(_BEGIN * parts <= place <= _END * parts for place in (x, y))
    is_inside = all((_BEGIN + _WIDTH) * parts < place < (_END - _WIDTH) * parts for place in (x, y))
    return STROKE if is_within and not is_inside else GROUND


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
