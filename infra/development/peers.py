"""What ``./dev bench --peers`` compares with, installed beside the product and never into its environment."""

import hashlib
import venv

from infra.development.front_end import environment_with_node, install_modules
from infra.development.packages import REQUIREMENTS, ROOT, VENV, environment, turn_of
from infra.development.terminal import clear_line, output_of, say, say_in_place

FOLDER = VENV / "peers"
LOCKED = REQUIREMENTS / "peers.txt"
POSTGRAPHILE = ROOT / "tests" / "load" / "peers" / "postgraphile"
NODE_MIN = (22, 0)


def environment_with_peers() -> dict[str, str]:
    """The environment of the bench: it names the Python and the Node.js of the peers.

    Raises:
        Refusal: they can't be had.
    """
    python = FOLDER / "bin" / "python"
    stamp, wanted = FOLDER / "stamp", hashlib.sha256(LOCKED.read_bytes()).hexdigest()
    with turn_of(POSTGRAPHILE, "the peers of the bench"):
        if not stamp.exists() or stamp.read_text() != wanted:
            venv.create(FOLDER, with_pip=True, clear=True)
            command = [str(python), "-m", "pip", "install", "--require-hashes", "-r", str(LOCKED)]
            say("Installing the peers of the bench")
            for line in output_of(command, folder=ROOT, env=environment(), purpose="Installing Django and its kind"):
                say_in_place(f"  {line}")
            clear_line()
            stamp.write_text(wanted)
        env = environment_with_node(NODE_MIN)
        install_modules(POSTGRAPHILE, env, "PostGraphile")
    return env | {"REGULARS_PEERS_PYTHON": str(python)}
