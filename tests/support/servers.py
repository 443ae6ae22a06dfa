"""The servers of a test run, kept by a process of their own until the run is over, however it ends.

Run as ``python -m tests.support.servers FOLDER``. The run holds a lock on a file in the folder as long as it lives; the
kernel lets go of it at any end, so the keeper needs to ask nobody.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from services.platform.clock import wall_now
from services.platform.embedded.postgres import embedded_postgres
from services.platform.embedded.valkey import embedded_valkey

ROOT = Path(__file__).parents[2]
START_SECONDS_MAX = 120
END_SECONDS_MAX = 60
POLL_SECONDS = 0.05
SETTLED_SECONDS = 3600
PREFIX = "regulars-tests-"
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108  the folder in it is made by mkdtemp
MEMORY_BYTES_MIN = 4 << 30
"""What a run of all tests needs at most, with the servers' logs."""


def _quickest_folder() -> Path | None:
    """In memory where there is room: a clone of a database is hundreds of small files. None for the usual place."""
    try:
        free = shutil.disk_usage(MEMORY_FOLDER).free
    except OSError:
        return None
    return MEMORY_FOLDER if free >= MEMORY_BYTES_MIN and os.access(MEMORY_FOLDER, os.W_OK) else None


def _sweep(place: Path) -> None:
    """Remove what runs left in memory whose keeper was killed with them: nobody holds their lock."""
    for folder in place.glob(f"{PREFIX}*"):
        try:
            if wall_now().timestamp() - folder.stat().st_mtime < SETTLED_SECONDS:
                continue
            with (folder / "alive").open("r+") as alive:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            # In use, somebody else's, or gone by now.
            continue


class TestRun:
    """The folder that one test run and its workers share. The controller makes it, a worker joins by its path."""

    __test__ = False  # pytest: no test, in spite of the name

    def __init__(self, folder: Path, *, alive: int | None) -> None:
        self.folder = folder
        self._alive = alive

    @classmethod
    def begin(cls) -> "TestRun":
        _sweep(MEMORY_FOLDER)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_quickest_folder()))
        folder.chmod(0o711)  # as root, PostgreSQL's account walks through it
        alive = os.open(folder / "alive", os.O_RDWR | os.O_CREAT)
        fcntl.flock(alive, fcntl.LOCK_EX)
        return cls(folder, alive=alive)

    @classmethod
    def join(cls, folder: Path) -> "TestRun":
        return cls(folder, alive=None)

    def addresses(self) -> dict[str, str]:
        """``superuser_url`` and ``valkey_url`` of the run's servers, which the first to ask starts."""
        file = self.folder / "addresses.json"
        with (self.folder / "starting").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists():
                self._start_keeper(file)
        addresses: dict[str, str] = json.loads(file.read_text())
        return addresses

    def end(self) -> None:
        """Let the servers go and wait until they are gone; the folder goes with them."""
        assert self._alive is not None, "the controller ends the run"
        has_servers = (self.folder / "keeper.log").exists()
        os.close(self._alive)
        self._alive = None
        deadline = time.perf_counter() + END_SECONDS_MAX
        while has_servers and self.folder.exists() and time.perf_counter() < deadline:
            time.sleep(POLL_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_keeper(self, file: Path) -> None:
        with (self.folder / "keeper.log").open("wb") as log:
            keeper = subprocess.Popen(
                [sys.executable, "-m", "tests.support.servers", str(self.folder)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C ends the run, and the run's end ends the keeper
            )
        deadline = time.perf_counter() + START_SECONDS_MAX
        while not file.exists() and keeper.poll() is None and time.perf_counter() < deadline:
            time.sleep(POLL_SECONDS)
        keeper.returncode = keeper.returncode or 0  # it outlives a worker on purpose, so nobody waits for it
        assert file.exists(), f"the test servers did not start:\n{(self.folder / 'keeper.log').read_text()}"


def keep(folder: Path) -> None:
    """Run the servers until nobody holds the lock on ``folder/alive``."""
    home = folder / "home"
    with embedded_postgres(home, is_durable=False) as postgres, embedded_valkey(home) as valkey:
        unfinished = folder / "addresses.unfinished"
        unfinished.write_text(json.dumps({"superuser_url": postgres.superuser_url, "valkey_url": valkey.url}))
        unfinished.rename(folder / "addresses.json")
        with (folder / "alive").open() as alive:
            fcntl.flock(alive, fcntl.LOCK_EX)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
