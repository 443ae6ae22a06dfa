from pathlib import Path
from uuid import UUID

from services.demo.access import Till, ensure_access, keep_access, read_access, with_till

TENANT = UUID("01900000-0000-7000-8000-00000000a001")
KEY = UUID("01900000-0000-7000-8000-00000000a002")


def test_before_the_first_demo_nothing_is_kept(tmp_path: Path) -> None:
    assert read_access(tmp_path / "home") is None


def test_the_password_is_made_once(tmp_path: Path) -> None:
    first = ensure_access(tmp_path / "home")

    assert ensure_access(tmp_path / "home") == first
    assert len(first.password) == 16
    assert (first.tenant_id, first.till) == (None, None)


def test_what_is_kept_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "demo.json.unfinished").write_text("left by a run that was killed")
    (tmp_path / "demo.json.unfinished").chmod(0o644)
    access = with_till(ensure_access(tmp_path), tenant_id=TENANT, till=Till(KEY, "rk_secret"))

    keep_access(tmp_path, access)

    assert read_access(tmp_path) == access
    assert [file.name for file in tmp_path.iterdir()] == ["demo.json"]
    assert (tmp_path / "demo.json").stat().st_mode & 0o777 == 0o600
