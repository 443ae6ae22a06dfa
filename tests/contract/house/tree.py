"""The project's own files, as the house rules see them."""

from collections.abc import Iterator
from pathlib import Path

from tests.contract.house.tidy import FILE_BYTES_MAX, Source

ROOT = Path(__file__).parents[3]
_NOT_OURS = frozenset({"node_modules", "dist", "__pycache__", "artifacts"})
_OUR_HIDDEN = frozenset({".ci", ".github", ".gitignore", ".gitattributes", ".editorconfig"})


def sources() -> Iterator[Source]:
    """Every text file that a clone brings; caches, environments and built files are left out."""
    for path in sorted(ROOT.iterdir()):
        if path.name in _NOT_OURS or (path.name.startswith(".") and path.name not in _OUR_HIDDEN):
            continue
        for file in _files(path):
            text = _text(file)
            if text is not None:
                yield Source(file.relative_to(ROOT).as_posix(), text)


def _files(path: Path) -> Iterator[Path]:
    if path.is_symlink():
        return
    if path.is_file():
        yield path
    elif path.is_dir() and path.name not in _NOT_OURS and not path.name.endswith(".egg-info"):
        for child in sorted(path.iterdir()):
            yield from _files(child)


def _text(file: Path) -> str | None:
    if file.stat().st_size > FILE_BYTES_MAX:
        return None
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
