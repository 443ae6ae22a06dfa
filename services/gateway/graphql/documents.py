"""Documents, parsed and validated once: the last thousand are remembered."""

from collections import OrderedDict
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from services.gateway.context.errors import QueryInvalid, QueryLimitExceeded, QuerySyntaxInvalid
from services.gateway.graphql.limits import NESTING_MAX, TOKENS_MAX, check_document

REMEMBERED_MAX = 1_000
REMEMBERED_LENGTH_MAX = 16_384
DETAILS_MAX = 5
RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that fits the schema and the limits."""

    document: DocumentNode
    has_introspection: bool

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run.

        Raises:
            QueryInvalid: there is none of that name, or several and no name.
        """
        operations = [node for node in self.document.definitions if isinstance(node, OperationDefinitionNode)]
        named = [node for node in operations if name is None or (node.name and node.name.value == name)]
        if len(named) != 1:
            raise QueryInvalid(detail="operationName must name one operation of the document")
        return named[0]


class Documents:
    """Prepares documents for one schema. Only valid ones are remembered, so that rubbish pushes nothing out."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._remembered: OrderedDict[str, Prepared] = OrderedDict()

    def prepare(self, text: str) -> tuple[Prepared | None, list[GraphQLError]]:
        """The document, or what does not fit the schema.

        Raises:
            QuerySyntaxInvalid, QueryLimitExceeded, RequestMalformed
        """
        found = self._remembered.get(text)
        if found is not None:
            self._remembered.move_to_end(text)
            return found, []
        document = _parsed(text)
        has_introspection = check_document(document)
        errors = validate(self._schema, document, RULES, max_errors=DETAILS_MAX, hide_suggestions=True)
        if errors:
            return None, errors
        prepared = Prepared(document, has_introspection)
        if len(text) <= REMEMBERED_LENGTH_MAX:
            self._remembered[text] = prepared
            if len(self._remembered) > REMEMBERED_MAX:
                self._remembered.popitem(last=False)
        return prepared, []


def _parsed(text: str) -> DocumentNode:
    try:
        return parse(text, max_tokens=TOKENS_MAX)
    except GraphQLSyntaxError as error:
        detail = error.message.removeprefix("Syntax Error: ")
        if "tokens" in detail:
            raise QueryLimitExceeded(dimension="tokens", maximum=TOKENS_MAX, requested=TOKENS_MAX + 1) from error
        if "nested too deeply" in detail:
            raise QueryLimitExceeded(dimension="nesting", maximum=NESTING_MAX, requested=NESTING_MAX + 1) from error
        raise QuerySyntaxInvalid(detail=_with_place(error, detail)) from error


def _with_place(error: GraphQLError, detail: str) -> str:
    if not error.locations:
        return detail
    place = error.locations[0]
    return f"{detail} (line {place.line}, column {place.column})"
