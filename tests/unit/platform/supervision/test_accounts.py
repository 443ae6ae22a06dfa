"""Which step on the way to a file keeps an account out."""

import os
from pathlib import Path

import pytest

from services.platform.supervision.accounts import Account, closed_to

STRANGER = Account(name="stranger", user_id=54321, group_id=54321)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "open" / "file"
    file.parent.mkdir(mode=0o755)
    file.write_text("")
    return file


def test_everybody_enters_the_root() -> None:
    assert closed_to(Path("/"), STRANGER, is_read=True) is None


def test_the_first_closed_folder_is_named(file: Path) -> None:
    closed = closed_to(file, STRANGER)

    # pytest keeps its folders to their owner, so that the way ends before ours.
    assert closed is not None
    assert closed in file.parents
    assert closed != file.parent


def test_the_owner_is_asked_for_the_owners_bits(file: Path) -> None:
    owner = Account(name="owner", user_id=os.getuid(), group_id=os.getgid())
    file.chmod(0o400)

    assert closed_to(file, owner) == file  # it can't be executed
    file.chmod(0o500)
    assert closed_to(file, owner, is_read=True) is None


def test_nobody_is_asked_where_we_are_not_root(file: Path) -> None:
    assert closed_to(file, None) is None
