"""Refusals of rendering."""

from dataclasses import dataclass

from services.platform.errors import DomainError


@dataclass(eq=False)
class TemplateVariablesMissing(DomainError):
    """The template uses variables that were not given; nothing was rendered."""

    template: str
    locale: str
    names: tuple[str, ...]


@dataclass(eq=False)
class TemplateVariablesUnknown(DomainError):
    """Variables were given that the template does not know; nothing was rendered."""

    template: str
    locale: str
    names: tuple[str, ...]
