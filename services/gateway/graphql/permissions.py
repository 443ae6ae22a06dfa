"""Who may use a field. Every field of Query and Mutation says so; a contract test counts them."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from strawberry.extensions import FieldExtension
from strawberry.types import Info

from services.gateway.context.errors import Forbidden, Unauthenticated
from services.gateway.execution.loads import Batch
from services.gateway.execution.operation import Operation
from services.gateway.graphql.ids import decode_optional
from services.platform.actors import ActorKind
from services.platform.auth.domain import Scope

StoreOf = Callable[[dict[str, Any]], UUID | None]
Check = Callable[[Operation, Any, dict[str, Any]], None]
Reads = Callable[..., Batch[Any, Any] | None]
"""The batch that a resolver will load by the ``key`` of its object, by the arguments; None when it will not."""


@dataclass(frozen=True, slots=True)
class Access:
    """A condition for using a field, and how the schema tells about it."""

    check: Check
    description: str
    scope: Scope | None = None
    is_public: bool = False


def requires(scope: Scope) -> Access:
    """``scope`` in the whole tenant."""

    def check(operation: Operation, _source: Any, _arguments: dict[str, Any]) -> None:
        require(operation, scope)

    return Access(check, f"Needs the scope `{scope}` in the whole tenant.", scope=scope)


def requires_at(scope: Scope, store_of: StoreOf) -> Access:
    """``scope`` at the store that the arguments name; in the whole tenant where they name none."""

    def check(operation: Operation, _source: Any, arguments: dict[str, Any]) -> None:
        # Before the store is looked at: a stranger does not learn whether an id is well-formed.
        require_somewhere(operation, scope)
        require(operation, scope, store_id=store_of(arguments))

    return Access(check, f"Needs the scope `{scope}` at the store, or in the whole tenant.", scope=scope)


def requires_at_each(scope: Scope, stores_of: Callable[[dict[str, Any]], Iterable[UUID | None]]) -> Access:
    """``scope`` at every store that the arguments name, in the whole tenant for None; or nothing is done."""

    def check(operation: Operation, _source: Any, arguments: dict[str, Any]) -> None:
        require_somewhere(operation, scope)
        for store_id in stores_of(arguments):
            require(operation, scope, store_id=store_id)

    return Access(
        check, f"Needs the scope `{scope}` at every store that is named, or in the whole tenant.", scope=scope
    )


def requires_somewhere(scope: Scope) -> Access:
    """``scope`` in the tenant or in any of its stores."""

    def check(operation: Operation, _source: Any, _arguments: dict[str, Any]) -> None:
        require_somewhere(operation, scope)

    return Access(check, f"Needs the scope `{scope}` in the tenant or one of its stores.", scope=scope)


def of_member(scope: Scope, *, key: str = "key") -> Access:
    """For fields about a member, whose id is the attribute ``key``: they themselves, or ``scope`` somewhere."""

    def check(operation: Operation, source: Any, _arguments: dict[str, Any]) -> None:
        if operation.principal.member_id is None or operation.principal.member_id != getattr(source, key):
            require_somewhere(operation, scope)

    return Access(check, f"Members see their own; others need the scope `{scope}`.", scope=scope)


def by_member_or(scope: Scope) -> Access:
    """For what members do about what is their own, or who holds ``scope`` somewhere; the resolver looks whose it is."""

    def check(operation: Operation, _source: Any, _arguments: dict[str, Any]) -> None:
        if operation.principal.member_id is None:
            require_somewhere(operation, scope)

    return Access(check, f"Members act for themselves; others need the scope `{scope}`.", scope=scope)


def _check_signed_in(operation: Operation, _source: Any, _arguments: dict[str, Any]) -> None:
    if operation.principal.actor.kind is ActorKind.PUBLIC:
        raise Unauthenticated


def _check_member(operation: Operation, source: Any, arguments: dict[str, Any]) -> None:
    _check_signed_in(operation, source, arguments)
    if operation.principal.member_id is None:
        raise Forbidden(scope="member")


def _check_session(operation: Operation, source: Any, arguments: dict[str, Any]) -> None:
    _check_signed_in(operation, source, arguments)
    if operation.principal.session_id is None:
        raise Forbidden(scope="session")


INHERITED = Access(lambda _operation, _source, _arguments: None, "", is_public=True)
"""For fields that say nothing beyond the object on which they stand."""


def _check_in_tenant(operation: Operation, source: Any, arguments: dict[str, Any]) -> None:
    _check_signed_in(operation, source, arguments)
    _ = operation.tenant


IN_TENANT = Access(_check_in_tenant, "Needs any credential of the tenant.")
PUBLIC = Access(lambda _operation, _source, _arguments: None, "Open to everybody.", is_public=True)
AS_MEMBER = Access(_check_member, "Needs a member token.")
IN_SESSION = Access(_check_session, "Needs the session of a person who logged in.")


def require(operation: Operation, scope: Scope, *, store_id: UUID | None = None) -> None:
    """Go on only with ``scope`` at the store, or, without one, in the whole tenant.

    Raises:
        Unauthenticated, Forbidden
    """
    _check_signed_in(operation, None, {})
    _ = operation.tenant
    if not operation.principal.allows(scope, store_id=store_id):
        raise Forbidden(scope=scope)


def require_somewhere(operation: Operation, scope: Scope) -> None:
    """Go on only with ``scope`` in the tenant or one of its stores.

    Raises:
        Unauthenticated, Forbidden
    """
    # Of a list each object asks for the same scope again; an operation's principal does not change.
    if scope in operation.granted_somewhere:
        return
    _check_signed_in(operation, None, {})
    _ = operation.tenant
    if not operation.principal.allows_somewhere(scope):
        raise Forbidden(scope=scope)
    operation.granted_somewhere.add(scope)


def is_allowed_at(operation: Operation, scope: Scope, store_id: UUID) -> bool:
    """Whether ``scope`` is held at a store."""
    return operation.principal.allows(scope, store_id=store_id)


def input_store(arguments: dict[str, Any]) -> UUID | None:
    """The store that ``input.storeId`` names."""
    return decode_optional("Store", arguments["input"].store_id, field="storeId")


class Guard(FieldExtension):
    """Lets a resolver run only where its access allows it."""

    def __init__(self, access: Access, *, reads: Reads | None = None) -> None:
        self.access = access
        self.reads = reads

    async def resolve_async(
        self, next_: Callable[..., Awaitable[Any]], source: Any, info: Info[Operation, None], **kwargs: Any
    ) -> Any:
        """Check, then go on."""
        self.access.check(info.context, source, kwargs)
        return await next_(source, info, **kwargs)
