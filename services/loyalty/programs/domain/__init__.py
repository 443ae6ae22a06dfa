"""The program document: typed values, its JSON and schema, and templates to start from."""

from services.loyalty.programs.domain.document import (
    DOCUMENT_VERSION,
    Cap,
    CapPeriod,
    CategoryPath,
    Conditions,
    ForeignCurrencyPolicy,
    LocalizedText,
    PointUnit,
    Policies,
    ProgramDocument,
    RuleMode,
    SpendRule,
    TierLevel,
    TierMetric,
    TierSet,
)
from services.loyalty.programs.domain.parsing import document_json, parse_document
from services.loyalty.programs.domain.schema import SCHEMA_FILE, document_schema
from services.loyalty.programs.domain.templates import (
    StarterReward,
    Template,
    TemplateKey,
    template,
    template_document,
    templates,
)

__all__ = [
    "DOCUMENT_VERSION",
    "SCHEMA_FILE",
    "Cap",
    "CapPeriod",
    "CategoryPath",
    "Conditions",
    "ForeignCurrencyPolicy",
    "LocalizedText",
    "PointUnit",
    "Policies",
    "ProgramDocument",
    "RuleMode",
    "SpendRule",
    "StarterReward",
    "Template",
    "TemplateKey",
    "TierLevel",
    "TierMetric",
    "TierSet",
    "document_json",
    "document_schema",
    "parse_document",
    "template",
    "template_document",
    "templates",
]
