"""Cases: open, assign, write about, move, complete."""

from services.loyalty.after_sales.service.completing import complete_case
from services.loyalty.after_sales.service.handling import assign_case, move_case, note_case
from services.loyalty.after_sales.service.opening import open_case

__all__ = ["assign_case", "complete_case", "move_case", "note_case", "open_case"]
