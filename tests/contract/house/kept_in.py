"""Import contract: a module (ours or a library) is imported in its own rooms only."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import cast

import grimp
from importlinter import Contract, ContractCheck, fields, output


class KeptInContract(Contract):
    """Options: ``kept_modules`` are packages; ``rooms`` are patterns of the modules that may import them.

    Unlike the library's own contracts it names the few who may, so that a new room is shut out without being listed.
    """

    kept_modules = fields.ListField(subfield=fields.StringField())
    rooms = fields.ListField(subfield=fields.StringField())

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001  the library's signature
        rooms = list(cast("Iterable[str]", self.rooms))
        broken = []
        for kept in cast("Iterable[str]", self.kept_modules):
            for module in graph.modules:
                if not _is_within(module, kept):
                    continue
                broken += [
                    (importer, module)
                    for importer in graph.find_modules_that_directly_import(module)
                    if not _is_within(importer, kept) and not any(fnmatchcase(importer, room) for room in rooms)
                ]
        return ContractCheck(kept=not broken, metadata={"broken": sorted(broken)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, module in check.metadata["broken"]:
            output.print_error(f"{importer} imports {module}, which is kept in other rooms")


def _is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
