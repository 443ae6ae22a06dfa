"""What a process of ours has used, as the kernel tells it (Linux)."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_KIB = 1024
_PEAK_RESET = "5"


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor time since its start, memory now, and the most memory since its start or `forget_peak`."""

    cpu_seconds: float
    resident_bytes: int
    peak_bytes: int


def usage_of(pid: int | None) -> Usage:
    """The usage of a process that runs."""
    folder = Path(f"/proc/{pid}")
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    status = (folder / "status").read_text()
    return Usage(
        cpu_seconds=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
        resident_bytes=_kilobytes(status, "VmRSS"),
        peak_bytes=_kilobytes(status, "VmHWM"),
    )


def forget_peak(pid: int | None) -> None:
    """Let the peak of a process's memory begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text(_PEAK_RESET)


def _kilobytes(status: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None, "the kernel tells it of every process"
    return int(found[1]) * _KIB
