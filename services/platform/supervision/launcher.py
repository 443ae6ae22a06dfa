"""What runs between fork and exec of every process that we start: a script of its own, standard library only.

It drops root where an account is given, asks the kernel to end the process when the thread that started it ends, and
becomes the program. Arguments: the pid of the parent, the signal at its death, ``uid:gid`` or ``-``, the command.
"""

import os
import sys
from collections.abc import Callable
from typing import cast

PR_SET_PDEATHSIG = 1


def main(parent: str, death_signal: str, account: str, *command: str) -> None:
    """Become ``command``; ends with 127 where it can't be executed, and at once where the parent is gone already."""
    prctl = _kernel_call()  # before root is dropped: afterwards the interpreter's own files may be out of reach
    if account != "-":
        user, group = (int(number) for number in account.split(":"))
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)  # after setuid, which clears it
    if os.getppid() != int(parent):
        os._exit(1)  # it died before the kernel was asked
    try:
        os.execv(command[0], command)  # noqa: S606  a list of arguments made by us, no shell
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(127)


def _kernel_call() -> "Callable[..., int] | None":
    if sys.platform != "linux":
        return None  # there the next start finds what was left
    try:
        import ctypes  # noqa: PLC0415  some builds of Python come without it
    except ImportError:
        return None
    return cast("Callable[..., int]", ctypes.CDLL(None).prctl)


if __name__ == "__main__":
    main(*sys.argv[1:])
