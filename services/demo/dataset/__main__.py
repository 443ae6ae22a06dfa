"""``python -m services.demo.dataset --verify``: checks the numbers that the demo relies on."""

import argparse
import sys

from services.demo.dataset.errors import DatasetMissing
from services.demo.dataset.files import installed_dataset
from services.demo.dataset.verification import Check, verify


def main(arguments: list[str]) -> int:
    """0 when every number holds, 1 when one does not, 2 when the data are not installed."""
    parser = argparse.ArgumentParser(prog="python -m services.demo.dataset", description=__doc__)
    parser.add_argument("--verify", action="store_true", required=True, help="read the whole year and compare")
    parser.parse_args(arguments)
    try:
        checks = verify(installed_dataset())
    except DatasetMissing as error:
        sys.stderr.write(
            f"{error.package} lacks {error.file}.\n" if error.file else f"{error.package} is not installed.\n"
        )
        return 2
    for check in checks:
        sys.stdout.write(f"{_sentence(check)}\n")
    failed = sum(not check.passed for check in checks)
    sys.stdout.write(f"{len(checks) - failed} of {len(checks)} numbers hold.\n")
    return 1 if failed else 0


def _sentence(check: Check) -> str:
    if check.passed:
        return f"ok    {check.name}: {_shown(check.found)}"
    return f"WRONG {check.name}: {_shown(check.found)} instead of {_shown(check.expected)}"


def _shown(value: int | str) -> str:
    return f"{value:,}" if isinstance(value, int) else value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
