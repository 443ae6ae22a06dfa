"""Promises that hold for every field of the schema, whoever adds it."""

import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    get_named_type,
    is_list_type,
    is_non_null_type,
    is_union_type,
)
from strawberry.types.field import StrawberryField

from services.gateway.context.request import Locale
from services.gateway.graphql.fields import Outcomes
from services.gateway.graphql.frontend_contracts import fact_names, named_errors, told_at_the_top
from services.gateway.graphql.permissions import Guard
from services.gateway.graphql.schema import MUTATIONS, QUERIES, SUBSCRIPTIONS, build_schema
from services.gateway.graphql.sentences import VARIANT_FACTS, catalog
from services.platform.errors import DomainError

SCHEMA = build_schema()._schema  # noqa: SLF001  Strawberry offers no other way to the graphql-core schema
BUILT_IN = {"String", "Int", "Float", "Boolean", "ID"}
SERVICES = Path(__file__).parents[2] / "services"

# These move no points, no money and no messages, so that a repeat is harmless or visible by itself.
WITHOUT_KEY = {
    "acceptInvitation": "an invitation works once",
    "applyProgramTemplate": "makes the same draft again",
    "archiveCouponDefinition": "archived stays archived",
    "assignCase": "who has it already has it",
    "archiveReward": "archived stays archived",
    "closeWallet": "closed stays closed",
    "createWalletLink": "its secret is shown once and can't be shown again; links move nothing",
    "issueCard": "who has a card keeps it",
    "openWallet": "each opening is one of its own; it moves nothing",
    "removePassIssuer": "removed stays removed",
    "revokeWalletLinks": "revoked stays revoked",
    "saveApplePassIssuer": "writes the same again",
    "saveGooglePassIssuer": "writes the same again",
    "updateMyPreferences": "writes the same again",
    "createCheckInCode": "its code is kept nowhere; another one is as good",
    "createReferralCode": "a member has one code",
    "createShare": "a link moves nothing until a friend follows it",
    "setMemberTier": "says what the tier is to be, and until when",
    "tagMember": "says what the tags are to be",
    "createApiKey": "its secret is shown once and can't be shown again",
    "createMemberToken": "tokens are stored nowhere",
    "createBudget": "its code is unique",
    "createCouponDefinition": "its code is unique",
    "createReward": "its code is unique",
    "createStore": "its code is unique",
    "deactivateMember": "inactive stays inactive",
    "logIn": "each log-in is a session of its own",
    "logOut": "ended stays ended",
    "promoteProgram": "guarded by the draft's revision",
    "publishProgram": "guarded by the draft's revision",
    "reactivateMember": "active stays active",
    "recordActivities": "each activity has its own",
    "recordPurchases": "each receipt has its own",
    "rejectAdjustment": "decided stays decided",
    "releaseMemberTier": "released stays released",
    "removeStaff": "removed stays removed",
    "revokeApiKey": "revoked stays revoked",
    "revokeInvitation": "withdrawn stays withdrawn",
    "rollbackProgram": "gives the version that it made",
    "rotateApiKey": "its secret is shown once and can't be shown again",
    "saveProgramDraft": "guarded by the draft's revision",
    "updateMember": "writes the same again",
    "updateCouponDefinition": "guarded by its version",
    "updateBudget": "guarded by the budget's version",
    "updateReward": "guarded by the reward's version",
    "updateStore": "writes the same again",
    "withdrawProgramVersion": "withdrawn stays withdrawn",
}


@pytest.mark.parametrize("union", sorted(name for name, kind in SCHEMA.type_map.items() if is_union_type(kind)))
def test_fields_of_one_name_in_a_union_are_of_one_kind(union: str) -> None:
    """Else a client can't ask for both without an alias (GraphQL, 5.3.2)."""
    kinds: dict[str, set[str]] = {}
    for member in SCHEMA.type_map[union].types:  # type: ignore[attr-defined]  # it is a union
        for name, field in member.fields.items():
            kinds.setdefault(name, set()).add(str(field.type))

    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


def own_types() -> Iterator[GraphQLNamedType]:
    return (kind for name, kind in SCHEMA.type_map.items() if not name.startswith("__") and name not in BUILT_IN)


def output_fields() -> Iterator[tuple[str, GraphQLField]]:
    for kind in own_types():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            yield from ((f"{kind.name}.{name}", field) for name, field in kind.fields.items())


def test_everything_has_a_description() -> None:
    silent = [kind.name for kind in own_types() if not kind.description]
    for name, field in output_fields():
        silent += [] if field.description else [name]
        silent += [f"{name}({argument})" for argument, given in field.args.items() if not given.description]
    for kind in own_types():
        if isinstance(kind, GraphQLInputObjectType):
            silent += [f"{kind.name}.{name}" for name, field in kind.fields.items() if not field.description]
        if isinstance(kind, GraphQLEnumType):
            silent += [f"{kind.name}.{name}" for name, value in kind.values.items() if not value.description]

    assert silent == []


def test_nothing_is_deprecated_before_the_first_release() -> None:
    assert [name for name, field in output_fields() if field.deprecation_reason] == []


def test_names_are_in_camel_case() -> None:
    wrong = [name for name, _ in output_fields() if not re.fullmatch(r"[A-Z][A-Za-z]*\.[a-z][A-Za-z0-9]*", name)]

    assert wrong == []


@pytest.mark.parametrize(("name", "field"), sorted({**QUERIES, **MUTATIONS, **SUBSCRIPTIONS}.items()))
def test_every_root_field_says_who_may_use_it(name: str, field: StrawberryField) -> None:
    guards = [extension for extension in field.extensions if isinstance(extension, Guard)]

    assert len(guards) == 1
    assert guards[0].access.description in (field.description or "")


def test_every_resolver_says_who_may_use_it() -> None:
    unguarded = []
    for name, field in output_fields():
        definition = field.extensions["strawberry-definition"]
        is_plain = definition.base_resolver is None
        if not is_plain and not any(isinstance(extension, Guard) for extension in definition.extensions):
            unguarded.append(name)

    assert unguarded == []


@pytest.mark.parametrize("name", sorted(SCHEMA.mutation_type.fields) if SCHEMA.mutation_type else [])
def test_mutations_take_one_input_and_give_a_union(name: str) -> None:
    assert SCHEMA.mutation_type is not None
    field = SCHEMA.mutation_type.fields[name]
    pascal = name[0].upper() + name[1:]
    result = get_named_type(field.type)

    assert is_non_null_type(field.type)
    assert isinstance(result, GraphQLUnionType)
    assert result.name == f"{pascal}Result"
    assert f"{pascal}Payload" in {member.name for member in result.types}
    assert "InvalidInput" in {member.name for member in result.types}
    refusals = [member for member in result.types if member.name != f"{pascal}Payload"]
    assert all("Error" in {interface.name for interface in refusal.interfaces} for refusal in refusals)
    assert list(field.args) in (["input"], [])
    if field.args:
        given = get_named_type(field.args["input"].type)
        assert isinstance(given, GraphQLInputObjectType)
        assert given.name == f"{pascal}Input"
        assert ("idempotencyKey" in given.fields) == (name not in WITHOUT_KEY)
        if "idempotencyKey" in given.fields:
            assert str(given.fields["idempotencyKey"].type) == "IdempotencyKey!"
            assert "IdempotencyConflict" in {member.name for member in result.types}


def test_the_list_of_mutations_without_key_is_not_stale() -> None:
    assert SCHEMA.mutation_type is not None

    assert set(WITHOUT_KEY) <= set(SCHEMA.mutation_type.fields)


def test_connections_follow_relay() -> None:
    connections = [kind for kind in own_types() if kind.name.endswith("Connection")]

    assert connections
    for kind in connections:
        assert isinstance(kind, GraphQLObjectType)
        edges = kind.fields["edges"].type
        assert is_non_null_type(edges)
        assert is_list_type(edges.of_type)
        edge = get_named_type(edges)
        assert isinstance(edge, GraphQLObjectType)
        assert edge.name == kind.name.removesuffix("Connection") + "Edge"
        assert str(edge.fields["cursor"].type) == "String!"
        node = get_named_type(edge.fields["node"].type)
        assert isinstance(node, GraphQLObjectType)
        assert "Node" in {interface.name for interface in node.interfaces}
        assert str(kind.fields["pageInfo"].type) == "PageInfo!"
    for name, field in output_fields():
        if get_named_type(field.type).name.endswith("Connection"):
            assert {"first", "after"} <= set(field.args), name


def test_no_float_and_no_plain_number_of_points() -> None:
    names = {kind.name for kind in own_types() if isinstance(kind, GraphQLScalarType)}
    floats = [name for name, field in output_fields() if get_named_type(field.type).name == "Float"]
    counted = [
        name
        for name, field in output_fields()
        if re.search(r"\.(points|balance|available|pending|held|owed|costPoints|pointsEarned|shortfall)$", name)
        and get_named_type(field.type).name not in {"Points", "WholeNumber"}
    ]

    assert "Points" in names
    assert floats == []
    assert counted == []


ALL_ERRORS = sorted({*named_errors(), *told_at_the_top()}, key=lambda cls: cls.code)


@pytest.mark.parametrize("error", ALL_ERRORS, ids=lambda cls: cls.code)
def test_every_refusal_has_a_sentence_in_each_language(error: type[DomainError]) -> None:
    facts = set(fact_names(error))

    for locale in Locale:
        texts = {key: text for key, text in catalog(locale).items() if key.partition(".")[0] == error.code}
        assert error.code in texts
        for key, text in texts.items():
            assert text.strip(), key
            assert _placeholders(text) <= facts, key


def test_both_languages_say_the_same_things() -> None:
    english, chinese = catalog(Locale.EN), catalog(Locale.ZH)

    assert set(english) == set(chinese)
    for key in english:
        assert _placeholders(english[key]) == _placeholders(chinese[key]), key
        assert re.search(r"[\u4e00-\u9fff]", chinese[key]), key


def test_no_sentence_is_left_behind() -> None:
    codes = {error.code for error in ALL_ERRORS}

    assert {key.partition(".")[0] for key in catalog(Locale.EN)} - codes == set()


def test_reasons_of_invalid_input_have_sentences() -> None:
    rooms = [SERVICES / "loyalty", SERVICES / "platform", SERVICES / "gateway"]
    sources = [path.read_text(encoding="utf-8") for room in rooms for path in room.rglob("*.py")]
    reasons = {
        reason
        for source in sources
        for call in re.findall(r"InvalidInput\((.*?)\)", source, re.DOTALL)
        for reason in re.findall(r'reason="([A-Z_]+)"', call)
    }

    assert reasons
    assert {reason for reason in reasons if f"INVALID_INPUT.{reason}" not in catalog(Locale.EN)} == set()


def test_variants_belong_to_facts() -> None:
    for error in ALL_ERRORS:
        variants = [key for key in catalog(Locale.EN) if key.startswith(f"{error.code}.")]
        if variants:
            assert set(fact_names(error)) & set(VARIANT_FACTS)


def test_only_named_refusals_become_members() -> None:
    for name, field in {**QUERIES, **MUTATIONS}.items():
        for extension in field.extensions:
            if isinstance(extension, Outcomes):
                # A base class would swallow refusals that nobody thought of.
                assert all(not error.__subclasses__() for error in extension.errors), name


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
