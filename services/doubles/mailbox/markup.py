"""The pages as HTML. Every value from a mail is escaped; a mail's own HTML is only ever shown in a sandboxed frame."""

from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from services.doubles.mailbox.reading import MailBody
from services.doubles.mailbox.store import StoredMail
from services.doubles.mailbox.words import PageWords


@dataclass(frozen=True, slots=True)
class MailList:
    """What the list shows: the mails of one page, the totals of the search, and where the next page begins."""

    mails: tuple[StoredMail, ...]
    total: int
    distinct: int
    search: str
    is_newest: bool
    next_before: int | None


def list_page(shown: MailList, *, words: PageWords) -> str:
    """The list of mails, newest first."""
    rows = "".join(_row(mail, words) for mail in shown.mails)
    body = f'<ol class="mails">{rows}</ol>' if rows else _nothing(shown, words)
    newest_id = shown.mails[0].id if shown.mails and shown.is_newest else 0
    watch = f' data-newest="{newest_id}" data-search="{escape(shown.search)}"' if shown.is_newest else ""
    return _page(
        words,
        title=words.title,
        switch=_query(lang=words.other_tag, search=shown.search),
        main=f"""<section class="bar"><p class="hint">{words.hint}</p>
<form action="/" role="search"><input type="search" name="search" value="{escape(shown.search)}"
 placeholder="{words.search_label}" aria-label="{words.search_label}" maxlength="200" autocomplete="off"
 spellcheck="false"><button>{words.search}</button></form>
<p class="count">{words.mails}{shown.total:,} · {words.distinct}{shown.distinct:,}</p></section>
<p id="fresh" role="status" hidden{watch}><a href="{_query(search=shown.search)}">{words.fresh}</a></p>
{body}{_pager(shown, words)}""",
    )


def mail_page(mail: StoredMail, body: MailBody, *, words: PageWords) -> str:
    """One mail: as HTML, as plain text, and its headers."""
    frame = (
        f'<iframe src="/messages/{mail.id}/html" title="{words.as_html}" '
        'sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer"></iframe>'
        if body.html
        else f'<p class="none">{words.no_html}</p>'
    )
    alone = f'<a href="/messages/{mail.id}/html" target="_blank" rel="noopener">{words.open_alone}</a>'
    text = f"<pre>{escape(body.text)}</pre>" if body.text else f'<p class="none">{words.no_text}</p>'
    return _page(
        words,
        title=mail.subject or words.no_subject,
        switch=_query(lang=words.other_tag),
        main=f"""<nav class="back"><a href="/">← {words.back}</a></nav>
<h2>{escape(mail.subject) or words.no_subject}{_repeats(mail, words)}</h2>
<dl><dt>{words.sender}</dt><dd>{escape(mail.from_header or mail.sender)}</dd>
<dt>{words.recipient}</dt><dd><a href="{_query(search=mail.recipient)}">{escape(mail.recipient)}</a></dd>
<dt>{words.received}</dt><dd>{_moment(mail)}</dd></dl>
<section class="part"><h3>{words.as_html}{alone if body.html else ""}</h3>{frame}</section>
<section class="part"><h3>{words.as_text}</h3>{text}</section>
<section class="part"><h3>{words.headers}<a href="/messages/{mail.id}/raw">{words.download}</a></h3>
<pre class="raw">{escape(body.raw_headers)}</pre></section>""",
    )


def missing_page(*, words: PageWords) -> str:
    """No such mail."""
    main = f'<p class="none">{words.not_found}</p><nav class="back"><a href="/">← {words.back}</a></nav>'
    return _page(words, title=words.title, switch=_query(lang=words.other_tag), main=main)


def _page(words: PageWords, *, title: str, switch: str, main: str) -> str:
    language = "zh-CN" if words.tag == "zh" else "en"
    return f"""<!doctype html><html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>{escape(title)} · Regulars</title><link rel="stylesheet" href="/static/style.css">
<link rel="icon" href="/static/icon.svg" type="image/svg+xml"><script src="/static/mailbox.js" defer></script></head>
<body><header><a class="home" href="/"><span class="mark" aria-hidden="true"></span><h1>{words.title}</h1></a>
<a class="switch" href="{switch}" hreflang="{words.other_tag}">{words.other_name}</a></header>
<main>{main}</main></body></html>"""


def _row(mail: StoredMail, words: PageWords) -> str:
    return f"""<li><a href="/messages/{mail.id}"><span class="subject">{escape(mail.subject) or words.no_subject}
{_repeats(mail, words)}</span><span class="to">{escape(mail.recipient)}</span>{_moment(mail)}</a></li>"""


def _repeats(mail: StoredMail, words: PageWords) -> str:
    return f' <span class="repeat">{words.repeat} ×{mail.repeats}</span>' if mail.repeats else ""


def _moment(mail: StoredMail) -> str:
    """The moment in UTC; the script turns it into the reader's own time."""
    return f'<time datetime="{mail.received_at.isoformat()}">{mail.received_at:%Y-%m-%d %H:%M:%S} UTC</time>'


def _nothing(shown: MailList, words: PageWords) -> str:
    if shown.search:
        return f'<p class="none">{words.nothing_found}</p>'
    return f'<div class="none"><p><strong>{words.empty}</strong></p><p>{words.empty_hint}</p></div>'


def _pager(shown: MailList, words: PageWords) -> str:
    newest = "" if shown.is_newest else f'<a href="{_query(search=shown.search)}">{words.newest}</a>'
    older = ""
    if shown.next_before is not None:
        older = f'<a href="{_query(search=shown.search, before=str(shown.next_before))}" rel="next">{words.older} →</a>'
    return f'<nav class="pager">{newest}<span></span>{older}</nav>' if newest or older else ""


def _query(**fields: str) -> str:
    given = {name: value for name, value in fields.items() if value}
    return escape(f"?{urlencode(given)}" if "lang" in given else f"/?{urlencode(given)}" if given else "/")
