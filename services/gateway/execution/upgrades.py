"""Tenants that are behind this release, as the gateway meets them: one migration for all who wait, in threads apart."""

import asyncio
from functools import partial
from uuid import UUID

from services.gateway.execution.threads import Seats
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.first_touch import WAIT_SECONDS_MAX, bring_up_to_date, upgrading

LANES = 2
"""Tenants that one process migrates at a time. They take no seat of those who work."""
PATIENCE_SECONDS = 2 * WAIT_SECONDS_MAX
"""How long a request waits, behind other tenants that are being migrated too."""


class Upgrades:
    """The migrations that requests of one process wait for."""

    def __init__(self, direct_url: str) -> None:
        self._direct_url = direct_url
        self._seats = Seats(LANES)
        self._under_way: dict[UUID, asyncio.Task[None]] = {}

    async def bring(self, tenant: Tenant) -> None:
        """Wait until the tenant is at this release's revision. A canceled caller stops waiting; the work goes on.

        Raises:
            TenantUpgrading: it took too long.
        """
        task = self._under_way.get(tenant.id)
        if task is None:
            task = asyncio.create_task(self._seats.run(partial(bring_up_to_date, self._direct_url, tenant)))
            self._under_way[tenant.id] = task
            task.add_done_callback(partial(self._forget, tenant.id))
        done, _ = await asyncio.wait((task,), timeout=PATIENCE_SECONDS)
        if not done:
            raise upgrading(tenant)
        task.result()

    async def finish(self) -> None:
        """Wait for what is under way, then stop the threads."""
        await self._seats.finish()

    def _forget(self, tenant_id: UUID, task: asyncio.Task[None]) -> None:
        self._under_way.pop(tenant_id, None)
        if not task.cancelled():
            # Whoever waited has heard of it; where all were canceled, nobody asks any more.
            task.exception()
