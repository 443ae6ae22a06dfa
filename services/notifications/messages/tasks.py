"""Sending: claim in one short transaction, the network outside of any, the outcome in another."""

from collections.abc import Mapping
from datetime import timedelta
from email.utils import parseaddr
from types import MappingProxyType
from uuid import UUID

import structlog
from psycopg import sql
from structlog.contextvars import bound_contextvars

from services.notifications.channels.domain import OutgoingEmail
from services.notifications.channels.errors import PermanentDeliveryFailure, TransientDeliveryFailure
from services.notifications.channels.service import Providers, send
from services.notifications.messages.domain import ClaimedMessage
from services.notifications.messages.service import claim_message, settle_failed, settle_sent
from services.notifications.templates.domain import Locale
from services.notifications.templates.service import render
from services.platform.clock import monotonic, wall_now
from services.platform.db.fanout import ask_tenants
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session
from services.platform.telemetry import traces
from services.platform.tenancy.domain import Tenant, TenantMode
from services.platform.worker.tasks import Task, WorkContext

log = structlog.get_logger()

# Who tries a program out sees its letters as members will; nobody shall take them for real ones.
SANDBOX_MARK: Mapping[Locale, str] = MappingProxyType({Locale.EN: "[Sandbox]", Locale.ZH_CN: "[沙箱]"})
SANDBOX_HEADER = "X-Regulars-Sandbox"

CLAIMING_SECONDS_MAX = 10
SWEEP_EVERY = timedelta(seconds=30)
UNSENT = sql.SQL(
    "SELECT id FROM {schema}.messages"
    " WHERE state = 'queued' AND leased_until <= %(now)s ORDER BY leased_until LIMIT 500"
)


def message_tasks(providers: Providers) -> tuple[Task, ...]:
    """The tasks of this capability; ``providers`` are the process's."""

    def send_message(context: WorkContext, *, tenant_id: str, message_id: str, **_: object) -> None:
        _send_message(context, providers, tenant_id=tenant_id, message_id=UUID(message_id))

    return (Task("send_message", send_message), Task("sweep_messages", sweep_messages, every=SWEEP_EVERY))


def sweep_messages(context: WorkContext, **_: object) -> None:
    """Ring for every queued message of every tenant that is overdue."""
    now = wall_now()
    homes = context.active_homes()
    with read_session(context.database, PLATFORM, now=now) as session:
        unsent = [(home.tenant_id, row["id"]) for home, row in ask_tenants(session, homes, UNSENT, {"now": now})]
    for tenant_id, message_id in unsent:
        context.database.doorbell.ring("send_message", tenant_id=str(tenant_id), message_id=str(message_id))


def _send_message(context: WorkContext, providers: Providers, *, tenant_id: str, message_id: UUID) -> None:
    tenant = context.tenant(tenant_id)
    began = monotonic()
    with context.work_in(tenant, "send_message") as uow:
        message = claim_message(uow, message_id)
    # A claim that took too long leaves too little of its lease to send in: the sweep gives it another.
    if message is None or monotonic() - began > CLAIMING_SECONDS_MAX:
        return
    with bound_contextvars(message_id=str(message.id), correlation_id=message.correlation_id):
        _send_claimed(context, providers, tenant, message)


def _send_claimed(context: WorkContext, providers: Providers, tenant: Tenant, message: ClaimedMessage) -> None:
    email = _email(message, sender=context.settings.mail_sender, tenant=tenant)
    try:
        with traces.span(
            f"send {message.channel}",
            kind="client",
            messaging__message__id=str(message.id),
            regulars__correlation_id=message.correlation_id,
            regulars__tenant=tenant.slug,
        ):
            accepted = send(message.channel, email, providers=providers)
    except (TransientDeliveryFailure, PermanentDeliveryFailure) as failure:
        is_final = isinstance(failure, PermanentDeliveryFailure)
        log.warning("message_not_sent", reason=failure.reason, is_final=is_final)
        with context.work_in(tenant, "send_message") as uow:
            settle_failed(uow, message, reason=f"{failure.reason} {failure.reply}".strip(), is_final=is_final)
        return
    with context.work_in(tenant, "send_message") as uow:
        settle_sent(uow, message, accepted)


def _email(message: ClaimedMessage, *, sender: str, tenant: Tenant) -> OutgoingEmail:
    rendered = render(message.template, locale=message.locale, variables=message.variables)
    is_sandbox = tenant.mode is TenantMode.SANDBOX
    domain = parseaddr(sender)[1].rpartition("@")[2]
    return OutgoingEmail(
        message_id_header=f"<{message.id}@{domain}>",
        sender=sender,
        sender_name=tenant.name,
        recipient=message.address,
        subject=f"{SANDBOX_MARK[message.locale]} {rendered.subject}" if is_sandbox else rendered.subject,
        html=rendered.html,
        text=rendered.text,
        locale=message.locale,
        sent_at=wall_now(),
        headers=((SANDBOX_HEADER, tenant.slug),) if is_sandbox else (),
    )
