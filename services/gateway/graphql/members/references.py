"""How a request names a member."""

from types import MappingProxyType

import strawberry

from services.gateway.graphql.ids import decode
from services.gateway.graphql.scalars import JsonDocument
from services.loyalty.members.domain import Identity, IdentityKind, MemberRef
from services.platform.errors import InvalidInput

IDENTITY_KINDS = MappingProxyType(
    {
        "phone": IdentityKind.PHONE,
        "email": IdentityKind.EMAIL,
        "card": IdentityKind.CARD,
        "externalId": IdentityKind.EXTERNAL,
    }
)
"""By the field of `MemberReferenceInput` that names one."""


@strawberry.input(
    one_of=True, description="A member by id, or by one of the identities that a till knows. Exactly one field."
)
class MemberReferenceInput:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="The member's id.")
    phone: strawberry.Maybe[str] = strawberry.field(
        description="A phone number in E.164, or as it is dialed in the store's country."
    )
    email: strawberry.Maybe[str] = strawberry.field(description="An e-mail address.")
    card: strawberry.Maybe[str] = strawberry.field(description="The number of a card.")
    external_id: strawberry.Maybe[str] = strawberry.field(description="The member's id in your own system.")

    def to_ref(self) -> MemberRef:
        """The member that it names."""
        if self.id:
            return decode("Member", self.id.value, field="member.id")
        for kind, value in (
            (IdentityKind.PHONE, self.phone),
            (IdentityKind.EMAIL, self.email),
            (IdentityKind.CARD, self.card),
            (IdentityKind.EXTERNAL, self.external_id),
        ):
            if value:
                return Identity(kind, value.value)
        raise InvalidInput(field="member", reason="NOTHING_GIVEN")


@strawberry.input(description="A way to find a member.")
class IdentityInput:
    kind: IdentityKind = strawberry.field(description="What it is.")
    value: str = strawberry.field(description="The number, address or id.")

    def to_domain(self) -> Identity:
        """The identity that it tells."""
        return Identity(self.kind, self.value)


@strawberry.input(description="A value of a field that the program document declares for members.")
class CustomFieldInput:
    code: str = strawberry.field(description="The field's code.")
    value: JsonDocument | None = strawberry.field(
        default=None,
        description="A text, whole number, truth value or date (YYYY-MM-DD) as declared; null removes the value.",
    )


@strawberry.type(description="A value of a field that the program document declares.")
class CustomFieldValue:
    code: str = strawberry.field(description="The field's code.")
    value: JsonDocument = strawberry.field(description="A text, whole number, truth value, or date as YYYY-MM-DD.")


def field_values(fields: list[CustomFieldInput]) -> dict[str, object]:
    """The values by code.

    Raises:
        InvalidInput: a code twice.
    """
    values: dict[str, object] = {field.code: field.value for field in fields}
    if len(values) != len(fields):
        raise InvalidInput(field="fields", reason="DUPLICATE")
    return values


def optional_ref(reference: MemberReferenceInput | None) -> MemberRef | None:
    """The member that a reference names; None without one."""
    return reference.to_ref() if reference else None
