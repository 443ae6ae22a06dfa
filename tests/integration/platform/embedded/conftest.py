"""State folders for servers: as root, PostgreSQL's own account must be able to walk to them."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="regulars-home-"))
    folder.chmod(0o711)
    yield folder / "state"
    shutil.rmtree(folder)
