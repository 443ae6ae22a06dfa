"""Starting a process that can't outlive us.

On Linux the kernel ends it when the *thread* that started it ends, so every process is started by one thread that lives
as long as we do. Elsewhere ``processes`` finds at the next start what was left.
"""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from services.platform.supervision import launcher
from services.platform.supervision.accounts import Account

_Work = tuple[list[str], Mapping[str, str], Path, int, "Future[subprocess.Popen[bytes]]"]


@dataclass(frozen=True, slots=True)
class _Spawner:
    process_id: int
    work: "queue.SimpleQueue[_Work]"


_lock = threading.Lock()
_spawner: _Spawner | None = None


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    folder: Path,
    output: int,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start ``command`` (its first word an absolute path) in a session of its own, so that Ctrl-C reaches only us.

    ``output`` is a file descriptor for both of its streams. ``death_signal`` is sent to it when we end in any way.
    """
    user = "-" if account is None else f"{account.user_id}:{account.group_id}"
    arguments = [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), str(int(death_signal)), user]
    future: Future[subprocess.Popen[bytes]] = Future()
    _living_spawner().work.put(([*arguments, *command], env, folder, output, future))
    return future.result()


def _living_spawner() -> _Spawner:
    global _spawner  # noqa: PLW0603  one thread per process, made on first use
    with _lock:
        if _spawner is None or _spawner.process_id != os.getpid():  # a fork leaves the thread behind
            _spawner = _Spawner(os.getpid(), queue.SimpleQueue())
            threading.Thread(target=_serve, args=(_spawner.work,), name="spawner", daemon=True).start()
        return _spawner


def _serve(work: "queue.SimpleQueue[_Work]") -> None:
    while True:
        command, env, folder, output, future = work.get()
        try:
            future.set_result(
                subprocess.Popen(  # it lives on; whoever asked for it waits for it
                    command,
                    env=dict(env),
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
        except OSError as error:
            future.set_exception(error)
