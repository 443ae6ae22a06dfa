"""Program documents that reward what members buy, with all that the newest form can say."""

from typing import Any

from tests.support.builders.activity_documents import activity_document


def spending_document(*rules: dict[str, Any], unit_caps: list[dict[str, Any]] | None = None, **changes: Any) -> Any:
    """A program with these rules; ``unit_caps`` bound what all of them give."""
    made = activity_document(*rules, **changes)
    if unit_caps:
        made["units"] = [made["units"][0] | {"caps": unit_caps}]
    return made


def spending(name: str = "every-purchase", *, points: int = 1, per: int = 100, **changes: Any) -> dict[str, Any]:
    """``points`` for every ``per`` minor units of CNY."""
    formula = {"spend": {"points": points, "per": {"CNY": per}}}
    return {"id": name, "name": {"en": name, "zh": name}, "trigger": "purchase", "formula": formula} | changes
