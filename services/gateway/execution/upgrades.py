"""Tenants that are behind this release, as the gateway meets them: one migration for all who wait, in threads apart."""

import asyncio
from functools import partial
from uuid import UUID

from services.gateway.execution.threads import Seats
from services.platform.clock import monotonic
from services.platform.tenancy import first_touch
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.first_touch import longer, try_once, upgrading

LANES = 2
"""Tenants that one process migrates at a time. They take no seat of those who work.

A tenant that somebody keeps locked is in a lane for a moment at each try, and lets others pass between them.
"""
PATIENCE_SECONDS = 2 * first_touch.WAIT_SECONDS_MAX
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
            task = asyncio.create_task(self._bring(tenant))
            self._under_way[tenant.id] = task
            task.add_done_callback(partial(self._forget, tenant.id))
        done, _ = await asyncio.wait((task,), timeout=PATIENCE_SECONDS)
        if not done:
            raise upgrading(tenant)
        task.result()

    async def finish(self) -> None:
        """Wait for the tries under way, then stop the threads."""
        for task in self._under_way.values():
            task.cancel()
        await self._seats.finish()

    async def _bring(self, tenant: Tenant) -> None:
        deadline, pause = monotonic() + first_touch.WAIT_SECONDS_MAX, first_touch.PAUSE_SECONDS
        while not await self._seats.run(partial(try_once, self._direct_url, tenant)):
            if monotonic() >= deadline:
                raise upgrading(tenant)
            await asyncio.sleep(pause)
            pause = longer(pause)

    def _forget(self, tenant_id: UUID, task: asyncio.Task[None]) -> None:
        self._under_way.pop(tenant_id, None)
        if not task.cancelled():
            # Whoever waited has heard of it; where all were canceled, nobody asks any more.
            task.exception()
