"""Documents, parsed and validated once: trusted ones are kept for good, of all others the latest used."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    parse,
    specified_rules,
    validate,
)
from graphql.validation.validate import ValidationAbortedError
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from services.gateway.context.errors import (
    DocumentHashMismatch,
    DocumentNotTrusted,
    PersistedQueryNotFound,
    QueryInvalid,
    QueryLimitExceeded,
    QuerySyntaxInvalid,
)
from services.gateway.graphql.cost import Costs
from services.gateway.graphql.executor.plan import Plans
from services.gateway.graphql.limits import LENGTH_MAX, NESTING_MAX, TOKENS_MAX, check_document
from services.gateway.graphql.members.profile_field import profile_field
from services.gateway.graphql.trusted import document_hash

REMEMBERED_BYTES_MAX = 24 * 1024 * 1024
BYTES_PER_TOKEN = 400
"""What the syntax tree takes for one token, measured."""
BYTES_PER_CHARACTER = 6
"""What a plan takes for one character of its code, measured."""
DETAILS_MAX = 5
COMPARISONS_MAX = 10_000
"""Steps that the library may spend on comparing fields of the same name. Most documents take less than ten; twenty
fragments that repeat ten fields of one object take 8,000."""


VALUES = re.compile(r"found (String|BlockString|Int|Float) .*(?=\.$)", re.DOTALL)
"""What the library repeats of a value, which may be a password."""


class BoundedOverlapRule(OverlappingFieldsCanBeMergedRule):
    """The library's rule, whose work grows with the square of the repetitions, with less patience."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = COMPARISONS_MAX


RULES: tuple[Any, ...] = (
    *(BoundedOverlapRule if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that fits the schema and the limits."""

    text: str
    document: DocumentNode
    has_introspection: bool
    costs: Costs
    plans: Plans = field(default_factory=lambda: Plans(profile_field), compare=False)

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
    """Prepares documents for one schema. Only valid ones are remembered, so that rubbish pushes nothing out.

    ``trusted`` are the texts that may be named by their hash; with ``trusted_only`` no other text is run.
    """

    def __init__(
        self, schema: GraphQLSchema, trusted: Mapping[str, str] | None = None, *, trusted_only: bool = False
    ) -> None:
        self._schema = schema
        self._trusted = dict(trusted or {})
        self._trusted_texts = frozenset(self._trusted.values())
        self._trusted_only = trusted_only
        self._lasting: dict[str, Prepared] = {}
        self._remembered: OrderedDict[str, Prepared] = OrderedDict()
        self._weights: dict[str, int] = {}
        self.remembered_bytes = 0
        """About how many bytes they take that may be forgotten."""

    def find(self, text: str | None, document_id: str | None) -> tuple[Prepared | None, list[GraphQLError]]:
        """The document of a text, or of a hash, or of both; or what does not fit the schema.

        Raises:
            PersistedQueryNotFound, DocumentHashMismatch, DocumentNotTrusted
            QuerySyntaxInvalid, QueryLimitExceeded, RequestMalformed
        """
        if text is None:
            text = self._trusted.get(document_id or "")
            if text is None:
                raise PersistedQueryNotFound
        elif document_id is not None and document_id != document_hash(text):
            raise DocumentHashMismatch
        if self._trusted_only and text not in self._trusted_texts:
            raise DocumentNotTrusted
        return self.prepare(text)

    def prepare(self, text: str) -> tuple[Prepared | None, list[GraphQLError]]:
        """The document, or what does not fit the schema.

        Raises:
            QuerySyntaxInvalid, QueryLimitExceeded, RequestMalformed
        """
        found = self._lasting.get(text)
        if found is not None:
            return found, []
        found = self._remembered.get(text)
        if found is not None:
            self._remembered.move_to_end(text)
            return found, []
        document = _parsed(text)
        has_introspection = check_document(document)
        errors = validate(self._schema, document, RULES, max_errors=DETAILS_MAX, hide_suggestions=True)
        if errors:
            _refuse_endless(errors)
            return None, errors
        prepared = Prepared(text, document, has_introspection, Costs(self._schema, document))
        if text in self._trusted_texts:
            self._lasting[text] = prepared
        else:
            self._remembered[text] = prepared
            self.weigh(prepared)
        return prepared, []

    def weigh(self, prepared: Prepared) -> None:
        """Count what a document takes by now, after its plans may have grown, and forget others if that is too much."""
        if self._remembered.get(prepared.text) is not prepared:
            return
        weight = _weight(prepared)
        self.remembered_bytes += weight - self._weights.get(prepared.text, 0)
        self._weights[prepared.text] = weight
        while self.remembered_bytes > REMEMBERED_BYTES_MAX:
            text, _ = self._remembered.popitem(last=False)
            self.remembered_bytes -= self._weights.pop(text)


def _weight(prepared: Prepared) -> int:
    """About how many bytes a document takes, and the plans that were made for it."""
    tree = BYTES_PER_TOKEN * (prepared.document.token_count or 0)
    return len(prepared.text) + tree + BYTES_PER_CHARACTER * prepared.plans.written


def _parsed(text: str) -> DocumentNode:
    if len(text) > LENGTH_MAX:
        raise QueryLimitExceeded(dimension="length", maximum=LENGTH_MAX, requested=len(text))
    try:
        return parse(text, max_tokens=TOKENS_MAX)
    except GraphQLSyntaxError as error:
        detail = error.message.removeprefix("Syntax Error: ")
        if detail.endswith("tokens. Parsing aborted."):
            raise QueryLimitExceeded(dimension="tokens", maximum=TOKENS_MAX, requested=TOKENS_MAX + 1) from error
        if detail == "Document is nested too deeply. Parsing aborted.":
            raise QueryLimitExceeded(dimension="nesting", maximum=NESTING_MAX, requested=NESTING_MAX + 1) from error
        raise QuerySyntaxInvalid(detail=_with_place(error, VALUES.sub(r"found \1", detail))) from error


def _refuse_endless(errors: list[GraphQLError]) -> None:
    """The library gave up comparing.

    Raises:
        QueryLimitExceeded
    """
    if any(isinstance(error, ValidationAbortedError) and error.message == "Validation aborted." for error in errors):
        raise QueryLimitExceeded(dimension="comparisons", maximum=COMPARISONS_MAX, requested=COMPARISONS_MAX + 1)


def _with_place(error: GraphQLError, detail: str) -> str:
    if not error.locations:
        return detail
    place = error.locations[0]
    return f"{detail} (line {place.line}, column {place.column})"
