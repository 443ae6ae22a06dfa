"""What is done with sandboxes."""

from services.loyalty.sandboxes.service.making import create_sandbox, promote_program
from services.loyalty.sandboxes.service.moving import advance_clock

__all__ = ["advance_clock", "create_sandbox", "promote_program"]
