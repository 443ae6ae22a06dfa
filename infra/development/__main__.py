"""``./dev COMMAND``: finds the command and runs it."""

import os
import sys

from infra.development.commands import COMMANDS, Command
from infra.development.packages import is_ready
from infra.development.terminal import Refusal, say


def main(words: list[str]) -> int:
    """The exit code of the command named by the first word; what follows belongs to the command."""
    if not words or words[0] in {"-h", "--help", "help"}:
        say(overview())
        return 0 if words else 2
    command = COMMANDS.get(words[0])
    if command is None:
        say(f"./dev has no command {words[0]!r}.\n\n{overview()}")
        return 2
    if any(word in {"-h", "--help"} for word in words[1:]) and not (command.has_own_help and is_ready()):
        say(help_of(words[0], command))
        return 0
    return command.run(words[1:])


def overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  ./dev {name:<{width}} {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(["Regulars, from a checkout:", "", *lines, "", "./dev COMMAND --help says more."])


def help_of(name: str, command: Command) -> str:
    return f"./dev {name} {command.arguments}".rstrip() + f"\n\n{command.summary}.\n\n{command.details}"


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except Refusal as refusal:
        say(str(refusal))
        code = 1
    except KeyboardInterrupt:
        say("Stopped. The same command goes on from here.")
        code = 130
    except BrokenPipeError:
        os._exit(141)  # whoever read our output has gone
    sys.exit(code)
