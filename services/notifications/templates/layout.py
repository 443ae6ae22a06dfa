"""The one look of all notices: words in, MJML or plain text out, variables still in place."""

from dataclasses import dataclass
from html import escape

_FONTS = (
    "-apple-system, BlinkMacSystemFont, Segoe UI, Roboto, Helvetica Neue, PingFang SC, Hiragino Sans GB, "
    "Microsoft YaHei, Noto Sans CJK SC, Arial, sans-serif"
)

_INK = 'color="#1b1d1f" font-size="16px"'
_SOFT = 'color="#6a6f75" font-size="14px"'

# Clients that know dark mode take these colors; the others, and those that invert by themselves, get the light ones.
_STYLE = """
:root { color-scheme: light dark; supported-color-schemes: light dark; }
h1, p { margin: 0; }
.ink, .value { font-variant-numeric: tabular-nums; }
@media (prefers-color-scheme: dark) {
  body, .page { background-color: #141618 !important; }
  .card, .card > table { background: #1f2225 !important; background-color: #1f2225 !important; }
  .ink div, .value { color: #f3f2ef !important; }
  .soft div, .label { color: #a8adb2 !important; }
  .label, .value { border-color: #34383c !important; }
}
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that matters, large, and what it counts."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of facts; left out when the variable named by ``when`` is empty."""

    label: str
    value: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """A link to follow."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Note:
    """Small print below everything else; left out when the variable named by ``when`` is empty."""

    text: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A template in one language. Every text may hold variables."""

    subject: str
    preheader: str
    heading: str
    paragraphs: tuple[str, ...]
    footer: str
    colon: str
    figure_line: str
    figure: Figure | None = None
    rows: tuple[Row, ...] = ()
    button: Button | None = None
    note: Note | None = None


def mjml_of(words: Words, *, language: str) -> str:
    """The notice as MJML. Words are escaped; nothing is included or fetched from anywhere."""
    parts = [_text("ink", f"<h1 style='font-size:24px;line-height:32px;font-weight:600'>{escape(words.heading)}</h1>")]
    parts += [_text("ink", f"<p>{escape(paragraph)}</p>") for paragraph in words.paragraphs]
    if words.figure:
        parts.append(_figure(words.figure))
    if words.rows:
        rows = "".join(_row(row) for row in words.rows)
        parts.append(f'<mj-table padding="12px 32px" font-size="15px" line-height="22px">{rows}</mj-table>')
    if words.button:
        parts.append(_button(words.button))
    if words.note:
        note = _text("soft", f"<p>{escape(words.note.text)}</p>", style=_SOFT)
        parts += [_raw_optional(words.note.when, note)]
    return f"""<mjml lang="{language}"><mj-head>
<mj-title>{escape(words.subject)}</mj-title>
<mj-preview>{escape(words.preheader)}</mj-preview>
<mj-attributes><mj-all font-family="{_FONTS}" /></mj-attributes>
<mj-raw><meta name="color-scheme" content="light dark" />
<meta name="supported-color-schemes" content="light dark" />
<meta name="format-detection" content="telephone=no, date=no, address=no" /></mj-raw>
<mj-style>{_STYLE}</mj-style>
</mj-head><mj-body background-color="#f4f3f0" width="560px" css-class="page">
<mj-section padding="16px 0 0"></mj-section>
<mj-section background-color="{{{{ brand_color }}}}" border-radius="14px 14px 0 0" padding="18px 0">
<mj-column><mj-text color="{{{{ brand_ink }}}}" font-size="17px" line-height="24px" font-weight="600"
 padding="0 32px">{{{{ brand_name }}}}</mj-text></mj-column></mj-section>
<mj-section background-color="#ffffff" border-radius="0 0 14px 14px" padding="24px 0 28px" css-class="card">
<mj-column>{"".join(parts)}</mj-column></mj-section>
<mj-section padding="8px 0 32px"><mj-column>
{_text("soft", f"<p>{escape(words.footer)}</p>", style=_SOFT)}
</mj-column></mj-section></mj-body></mjml>"""


def text_of(words: Words) -> str:
    """The notice as plain text."""
    blocks = [words.heading, *words.paragraphs]
    if words.figure:
        blocks.append(words.figure_line.format(value=words.figure.value, label=words.figure.label))
    if words.rows:
        lines = (_optional(row.when, f"\n{row.label}{words.colon}{row.value}") for row in words.rows)
        blocks.append("".join(lines).removeprefix("\n"))
    if words.button:
        blocks.append(f"{words.button.label}{words.colon.rstrip()}\n{words.button.url}")
    note = _optional(words.note.when, f"\n\n{words.note.text}") if words.note else ""
    return "\n\n".join(blocks) + note + f"\n\n--\n{words.footer}\n"


def _text(css_class: str, content: str, *, style: str = _INK, padding: str = "6px 32px") -> str:
    return f'<mj-text css-class="{css_class}" padding="{padding}" line-height="1.6" {style}>{content}</mj-text>'


def _figure(figure: Figure) -> str:
    number = _text(
        "ink",
        f"<p>{escape(figure.value)}</p>",
        style='color="#1b1d1f" font-size="44px" font-weight="600"',
        padding="8px 32px 0",
    )
    label = _text("soft", f"<p>{escape(figure.label)}</p>", style=_SOFT, padding="0 32px 12px")
    return number + label


def _row(row: Row) -> str:
    cell = "padding:11px 0;border-top:1px solid #e9e8e4;vertical-align:top"
    label = f'<td class="label" style="{cell};color:#6a6f75;padding-right:16px">{escape(row.label)}</td>'
    value = f'<td class="value" align="right" style="{cell};color:#1b1d1f">{escape(row.value)}</td>'
    return _optional(row.when, f"<tr>{label}{value}</tr>")


def _button(button: Button) -> str:
    return (
        f'<mj-button href="{escape(button.url)}" background-color="{{{{ brand_color }}}}" color="{{{{ brand_ink }}}}" '
        'border-radius="10px" align="left" font-size="16px" font-weight="600" inner-padding="14px 28px" '
        f'padding="16px 32px">{escape(button.label)}</mj-button>'
    )


def _optional(when: str, content: str) -> str:
    return f"{{{{#{when}}}}}{content}{{{{/{when}}}}}" if when else content


def _raw_optional(when: str, content: str) -> str:
    """As ``_optional``, between MJML components, where bare words are not allowed."""
    return f"<mj-raw>{{{{#{when}}}}}</mj-raw>{content}<mj-raw>{{{{/{when}}}}}</mj-raw>" if when else content
