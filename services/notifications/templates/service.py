"""Render a notice. Compiled once for each template and language, then only filled in."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from mjml import mjml2html

from services.notifications.templates.domain import Locale, Notice, RenderedMessage, TemplateKey
from services.notifications.templates.errors import TemplateVariablesMissing, TemplateVariablesUnknown
from services.notifications.templates.layout import Button, Figure, Note, Row, Words, mjml_of, text_of
from services.notifications.templates.substitution import substitute, variables_in
from services.notifications.templates.variables import template_of, variables_of

__all__ = ["render", "render_notice", "template_of", "variables_of", "variables_used"]


@dataclass(frozen=True, slots=True)
class _Compiled:
    subject: str
    html: str
    text: str
    variables: frozenset[str]


def render(template_key: TemplateKey, *, locale: Locale, variables: Mapping[str, str]) -> RenderedMessage:
    """The message of a template in a language, with ``variables`` put in (escaped where they meet HTML).

    Raises:
        TemplateVariablesMissing, TemplateVariablesUnknown: the names given are not exactly the template's.
    """
    compiled = _compiled(template_key, locale)
    given = frozenset(variables)
    if missing := compiled.variables - given:
        raise TemplateVariablesMissing(template=template_key, locale=locale, names=tuple(sorted(missing)))
    if unknown := given - compiled.variables:
        raise TemplateVariablesUnknown(template=template_key, locale=locale, names=tuple(sorted(unknown)))
    return RenderedMessage(
        subject=substitute(compiled.subject, variables, escape=str),
        html=substitute(compiled.html, variables, escape=escape),
        text=substitute(compiled.text, variables, escape=str),
    )


def render_notice(notice: Notice, *, locale: Locale) -> RenderedMessage:
    """The message that says ``notice`` in a language."""
    return render(template_of(notice), locale=locale, variables=variables_of(notice, locale=locale))


def variables_used(template_key: TemplateKey, *, locale: Locale) -> frozenset[str]:
    """The names of the variables the template uses in that language."""
    return _compiled(template_key, locale).variables


@cache
def _compiled(template_key: TemplateKey, locale: Locale) -> _Compiled:
    words = _words(template_key, locale)
    # An empty font list and no include loader: compiling opens no file and names no outside address.
    html = mjml2html(mjml_of(words, language=locale), disable_comments=True, fonts={}, include_loader=None)
    text = text_of(words)
    variables = variables_in(words.subject) | variables_in(html) | variables_in(text)
    return _Compiled(subject=words.subject, html=html, text=text, variables=variables)


@cache
def _catalog(locale: Locale) -> dict[str, Any]:
    source = files(__package__).joinpath("words", f"{locale}.toml").read_text(encoding="utf-8")
    return tomllib.loads(source)


def _words(template_key: TemplateKey, locale: Locale) -> Words:
    catalog = _catalog(locale)
    table = {**catalog["defaults"], **catalog[template_key]}
    figure, button, note = table.get("figure"), table.get("button"), table.get("note")
    return Words(
        subject=table["subject"],
        preheader=table["preheader"],
        heading=table["heading"],
        paragraphs=tuple(table["paragraphs"]),
        footer=table["footer"],
        colon=table["colon"],
        figure_line=table["figure_line"],
        figure=Figure(**figure) if figure else None,
        rows=tuple(Row(**row) for row in table.get("rows", ())),
        button=Button(**button) if button else None,
        note=Note(**note) if note else None,
    )
