"""The HTTP side of the sink: pages for people, JSON for programs."""

from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from services.doubles.mailbox.markup import MailList, list_page, mail_page, missing_page
from services.doubles.mailbox.reading import read_body
from services.doubles.mailbox.store import MailStore, StoredMail
from services.doubles.mailbox.words import PageWords, page_words

_PAGE_SIZE = 50
_API_PAGE_SIZE = 100
_DIGITS_MAX = 18  # fits a 64-bit integer
_COOKIE_SECONDS = 365 * 24 * 3600
_STATIC = Path(__file__).parent / "static"

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
# A mail runs no script, loads nothing from outside, and its links open in a tab of their own.
_MAIL_HEADERS = _HEADERS | {
    "Content-Security-Policy": "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
}


def create_page(store: MailStore, *, allowed_hosts: tuple[str, ...] = ("*",)) -> Starlette:
    """The web application over ``store``. Other host names than ``allowed_hosts`` are refused (DNS rebinding)."""
    routes = [
        Route("/", show_list),
        Route("/messages/{mail_id:int}", show_mail),
        Route("/messages/{mail_id:int}/html", show_html),
        Route("/messages/{mail_id:int}/raw", download),
        Route("/api/messages", list_messages),
        Route("/api/count", count_messages),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]
    application = Starlette(
        routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts))]
    )
    application.state.store = store
    return application


def show_list(request: Request) -> Response:
    """Newest first; ``search`` is a part of the recipient's address, ``before`` the id where the last page ended."""
    words = _words(request)
    search = request.query_params.get("search", "")[:200]
    before = _whole_number(request.query_params.get("before"))
    store = _store(request)
    found = store.page(search=search, before=before, limit=_PAGE_SIZE + 1)
    total, distinct = store.count(search=search)
    mails = found[:_PAGE_SIZE]
    shown = MailList(
        mails=mails,
        total=total,
        distinct=distinct,
        search=search,
        is_newest=before is None,
        next_before=mails[-1].id if len(found) > _PAGE_SIZE else None,
    )
    return _html(request, list_page(shown, words=words), words)


def show_mail(request: Request) -> Response:
    """One mail."""
    words = _words(request)
    mail = _mail(request)
    if mail is None:
        return _html(request, missing_page(words=words), words, status=404)
    body = read_body(_store(request).content(mail))
    return _html(request, mail_page(mail, body, words=words), words)


def show_html(request: Request) -> Response:
    """The mail's own HTML, without scripts and outside addresses."""
    mail = _mail(request)
    if mail is None:
        return Response(status_code=404, headers=_MAIL_HEADERS)
    return HTMLResponse(read_body(_store(request).content(mail)).html, headers=_MAIL_HEADERS)


def download(request: Request) -> Response:
    """The mail as it arrived."""
    mail = _mail(request)
    if mail is None:
        return Response(status_code=404, headers=_HEADERS)
    headers = _HEADERS | {"Content-Disposition": f'attachment; filename="{mail.id}.eml"'}
    return Response(_store(request).content(mail), media_type="message/rfc822", headers=headers)


def list_messages(request: Request) -> Response:
    """JSON: ``{"messages": […]}``, newest first, by ``to`` (exact), ``message_id``, ``before`` and ``limit`` (100)."""
    query = request.query_params
    mails = _store(request).page(
        to=query.get("to", ""),
        message_id=query.get("message_id", ""),
        before=_whole_number(query.get("before")),
        limit=_whole_number(query.get("limit")) or _API_PAGE_SIZE,
    )
    return JSONResponse({"messages": [_as_json(mail) for mail in mails]}, headers=_HEADERS)


def count_messages(request: Request) -> Response:
    """JSON: ``{"messages": …, "distinct_message_ids": …, "newest": id}``, with the filters of the list and the page."""
    query = request.query_params
    to, message_id, search = query.get("to", ""), query.get("message_id", ""), query.get("search", "")
    store = _store(request)
    messages, distinct = store.count(to=to, message_id=message_id, search=search)
    newest = store.page(to=to, message_id=message_id, search=search, limit=1)
    answer = {"messages": messages, "distinct_message_ids": distinct, "newest": newest[0].id if newest else 0}
    return JSONResponse(answer, headers=_HEADERS)


def _as_json(mail: StoredMail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "message_id": mail.message_id,
        "from": mail.from_header,
        "to": mail.recipient,
        "subject": mail.subject,
        "received_at": mail.received_at.isoformat(),
        "size_bytes": mail.size_bytes,
        "repeats": mail.repeats,
    }


def _store(request: Request) -> MailStore:
    store: MailStore = request.app.state.store
    return store


def _mail(request: Request) -> StoredMail | None:
    mail_id: int = request.path_params["mail_id"]
    return _store(request).by_id(mail_id) if len(str(mail_id)) <= _DIGITS_MAX else None


def _words(request: Request) -> PageWords:
    asked = request.query_params.get("lang", "") or request.cookies.get("lang", "")
    return page_words(asked, accepted=request.headers.get("accept-language", ""))


def _html(request: Request, markup: str, words: PageWords, *, status: int = 200) -> Response:
    response = HTMLResponse(markup, status_code=status, headers=_HEADERS)
    if "lang" in request.query_params:
        response.set_cookie("lang", words.tag, max_age=_COOKIE_SECONDS, samesite="lax", httponly=True)
    return response


def _whole_number(value: str | None) -> int | None:
    """A number from a query; anything else counts as not given."""
    return int(value) if value and value.isascii() and value.isdigit() and len(value) <= _DIGITS_MAX else None
