"""What a new version may not change, because members' points are counted in it."""

from collections.abc import Collection

from services.loyalty.programs.domain.document import ProgramDocument
from services.loyalty.programs.errors import ProgramUnitFixed


def check_fixed(before: ProgramDocument, after: ProgramDocument, *, uses: Collection[str]) -> None:
    """Refuse a version that takes away what members' points are counted in.

    ``uses`` are the codes of units of which somebody has or had points. Until there is one, everything may change.

    Raises:
        ProgramUnitFixed
    """
    there = {unit.code: unit for unit in after.units}
    used = [unit for unit in before.units if unit.code in uses]
    for unit in used:
        if unit.code not in there:
            raise ProgramUnitFixed(field="units", expected=unit.code, given=", ".join(there))
        scale = there[unit.code].scale
        if scale != unit.scale:
            raise ProgramUnitFixed(field=f"units.{unit.code}.scale", expected=str(unit.scale), given=str(scale))
    if before.unit in used and after.unit.code != before.unit.code:
        raise ProgramUnitFixed(field="units.0", expected=before.unit.code, given=after.unit.code)
    if used and before.currency != after.currency:
        raise ProgramUnitFixed(field="currency", expected=before.currency, given=after.currency)
