"""Import contract: from outside a capability, only its front doors may be imported."""

from collections.abc import Iterable
from typing import cast

import grimp
from importlinter import Contract, ContractCheck, fields, output


class FrontDoorContract(Contract):
    """Options: ``containers`` hold the capabilities, ``doors`` are the files that strangers may enter by.

    ``ignore_importers`` may enter anywhere: the workers, which hand a service's tasks to the queue.
    """

    containers = fields.ListField(subfield=fields.StringField())
    doors = fields.SetField(subfield=fields.StringField())
    ignore_importers = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001  the library's signature
        doors = _strings(self.doors)
        ignored = _strings(self.ignore_importers)
        broken = []
        for container in _strings(self.containers):
            for capability in graph.find_children(container):
                inside = graph.find_descendants(capability)
                for room in inside:
                    if room.removeprefix(f"{capability}.").split(".")[0] in doors:
                        continue
                    strangers = graph.find_modules_that_directly_import(room) - inside - ignored - {capability}
                    broken += [(importer, room) for importer in strangers]
        return ContractCheck(kept=not broken, metadata={"broken": sorted(broken)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, room in check.metadata["broken"]:
            output.print_error(f"{importer} walks around the front door into {room}")


def _strings(field: object) -> set[str]:
    """What the library parsed into a field (it declares the field's type, not the value's)."""
    return set(cast("Iterable[str]", field or ()))
