import json
from pathlib import Path

from services.demo.status import STALE_SECONDS, ProgressNote, running_share
from services.platform.clock import wall_now


def test_a_note_tells_how_far_the_replay_is_until_it_is_cleared(tmp_path: Path) -> None:
    note = ProgressNote(tmp_path)
    before = running_share(tmp_path)

    note.note(1, 4)
    note.note(2, 4)
    during = running_share(tmp_path)
    note.clear()
    note.clear()

    assert (before, during, running_share(tmp_path)) == (None, 0.25, None)


def test_a_note_left_by_a_replay_that_is_gone_is_not_believed(tmp_path: Path) -> None:
    at = wall_now().timestamp() - STALE_SECONDS - 1
    (tmp_path / "demo-progress.json").write_text(json.dumps({"share": 0.5, "at": at}))

    assert running_share(tmp_path) is None
