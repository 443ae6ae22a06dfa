"""A supervisor to be interrupted and killed: ``python -m … HOME [crash]`` prints its children's pids and goes on."""

import json
import os
import signal
import sys
from pathlib import Path

from services.platform.supervision.children import Child, ChildSpec
from services.platform.supervision.errors import ProcessKeptFailing
from services.platform.supervision.supervisor import Supervisor

# A worker that has a child of its own in another session, and says goodbye when it is asked to end.
WORKER = """
import signal, subprocess, sys, time
helper = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
def end(number, frame):
    print('{"level": "warning", "event": "goodbye"}', flush=True)
    helper.kill()
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print('{"level": "info", "event": "quiet"}', flush=True)
print(helper.pid, file=sys.stderr, flush=True)
while True:
    time.sleep(60)
"""


def worker(supervisor: Supervisor, name: str) -> ChildSpec:
    return ChildSpec(
        name=name, command=(sys.executable, "-c", WORKER), env=supervisor.environment({}), folder=supervisor.home
    )


def show(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(home: Path, *, with_crash: bool) -> int:
    with Supervisor(home, show=show) as supervisor:
        supervisor.announce("http://127.0.0.1:8000")
        children: list[Child] = [supervisor.start_child(worker(supervisor, name)) for name in ("first", "second")]
        if with_crash:
            command = (sys.executable, "-c", "import sys; sys.exit('no database')")
            supervisor.start_child(ChildSpec("broken", command, supervisor.environment({}), home, failures_max=2))
        show(json.dumps({"pid": os.getpid(), "children": [child.pid for child in children]}))
        try:
            supervisor.run()
        except ProcessKeptFailing as failure:
            show(f"{failure.process} gave up: {failure.log_tail.splitlines()[-1]}")
            return 1
    show("ended")
    return 0


if __name__ == "__main__":
    # The tests may themselves run under nohup, which lets nobody below hear of a hangup.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    sys.exit(main(Path(sys.argv[1]), with_crash="crash" in sys.argv))
