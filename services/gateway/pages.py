"""The pages for people: the welcome page at `/`, GraphiQL at `/graphiql`, and members' cards at `/w/<merchant>`.

`console/` holds their sources; `npm ci && npm run build` there makes `console/dist/`, which is served here under a
content security policy that lets nothing come from, or go to, any other origin; pictures of rewards alone may stand
elsewhere.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NotRequired, TypedDict

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

Text = str | Mapping[str, str]


class Credential(TypedDict):
    """A line that the welcome page offers to copy. It is shown to whoever opens the page."""

    label: Text
    value: str


class Demo(TypedDict):
    """The demo chain. Texts are one string, or one for each language: `{"en": …, "zh": …}`."""

    name: Text
    state: Literal["loading", "ready"]
    progress: NotRequired[float | None]
    """Share already loaded, 0 to 1."""
    members: int
    purchases: int
    points: int
    """Points earned so far, by all members together."""
    source: NotRequired[Text | None]
    credentials: NotRequired[Sequence[Credential]]


class Welcome(TypedDict):
    """What `/welcome.json` says. A link that is None is not shown; so is no demo."""

    graphiql: str | None
    mail: str | None
    health: str | None
    docs: str | None
    demo: Demo | None


class Example(TypedDict):
    """An operation that GraphiQL opens in a tab of its own."""

    name: Text
    query: str
    variables: Mapping[str, object]


_POLICY: Final[Mapping[str, str]] = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",  # the editor in GraphiQL styles its lines one by one
    "worker-src": "'self' blob:",
    "img-src": "'self' data:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}

# A member's page runs nothing but files of this origin, and has no style or script within itself. The pictures of
# rewards are the merchant's and may stand elsewhere; whoever serves one learns no more than that (`Referrer-Policy`).
_MEMBER_POLICY: Final[Mapping[str, str]] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' https:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


def _written(policy: Mapping[str, str]) -> str:
    return "; ".join(f"{directive} {sources}" for directive, sources in policy.items())


SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _written(_POLICY),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
MEMBER_HEADERS: Final[Mapping[str, str]] = {**SECURITY_HEADERS, "Content-Security-Policy": _written(_MEMBER_POLICY)}

# The machine's own table of types may be wrong or missing, and with `nosniff` a wrong type is a blank page.
MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff2": "font/woff2",
}

NOT_BUILT: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>回头客 Regulars</title>
<body style="font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem">
<h1>The pages are not built yet</h1>
<p>The server works; the GraphQL API answers POST requests at <code>/graphql</code>. To build its pages, stop it and
start it with <code>./dev run</code>, or run this in <code>services/gateway/console</code> and reload:</p>
<pre>npm ci &amp;&amp; npm run build</pre>
<div lang="zh-CN">
<h2>页面尚未构建</h2>
<p>服务运行正常，GraphQL 接口在 <code>/graphql</code> 接受 POST 请求。要构建页面，请用 <code>./dev run</code> 重新启动，
或在 <code>services/gateway/console</code> 运行上面的命令，然后刷新。</p>
</div>
"""


def page_routes(
    *,
    dist: Path,
    welcome: Callable[[], Mapping[str, object]],
    examples: Callable[[], Sequence[Mapping[str, object]]] | None = None,
    graphiql: bool = True,
) -> list[BaseRoute]:
    """Routes of the pages.

    `welcome` and `examples` are called for each request, on a worker thread, and shaped as `Welcome` and a list of
    `Example`. Without `graphiql` that page and its examples do not exist and the welcome page does not name them.
    A `dist` that is missing is looked for again at the next request.
    """

    def welcome_page(_: Request) -> Response:
        return _page(dist / "index.html")

    def welcome_json(_: Request) -> Response:
        status = dict(welcome())
        if not graphiql:
            status["graphiql"] = None
        return _json(status)

    def card_page(_: Request) -> Response:
        # The page finds its merchant in the address and its key behind the `#`, which no server is told.
        return _page(dist / "wallet.html", headers=MEMBER_HEADERS)

    def graphiql_page(_: Request) -> Response:
        return _page(dist / "graphiql.html")

    def examples_json(_: Request) -> Response:
        return _json([] if examples is None else list(examples()))

    def asset(request: Request) -> Response:
        return _asset(
            dist / "assets", name=request.path_params["name"], accepted=request.headers.get("accept-encoding")
        )

    def picture(request: Request) -> Response:
        return _picture(dist / "w" / "pictures", name=request.path_params["name"])

    routes: list[BaseRoute] = [
        Route("/", welcome_page),
        Route("/welcome.json", welcome_json),
        Route("/assets/{name}", asset),
        Route("/w/{merchant}", card_page),
        Route("/w/pictures/{name}", picture),
    ]
    if graphiql:
        routes += [Route("/graphiql", graphiql_page), Route("/graphiql/examples.json", examples_json)]
    return routes


def _page(file: Path, *, headers: Mapping[str, str] = SECURITY_HEADERS) -> Response:
    if not file.is_file():
        return HTMLResponse(NOT_BUILT, status_code=503, headers={**SECURITY_HEADERS, "Cache-Control": "no-store"})
    return FileResponse(file, media_type="text/html; charset=utf-8", headers={**headers, "Cache-Control": "no-cache"})


def _json(content: object) -> Response:
    return JSONResponse(content, headers={**SECURITY_HEADERS, "Cache-Control": "no-store"})


def _picture(folder: Path, *, name: str) -> Response:
    """One of the house's own pictures for rewards; merchants name them by their path."""
    file = folder / name
    if file.suffix != ".svg" or not file.is_file():
        raise HTTPException(404)
    headers = {**MEMBER_HEADERS, "Cache-Control": "public, max-age=86400"}
    return FileResponse(file, media_type=MEDIA_TYPES[".svg"], headers=headers)


def _asset(folder: Path, *, name: str, accepted: str | None) -> Response:
    """A built file whose name holds the hash of its content; the build has put a compressed copy beside it."""
    file = folder / name
    media_type = MEDIA_TYPES.get(file.suffix)
    if media_type is None or not file.is_file():
        raise HTTPException(404)
    headers = {**SECURITY_HEADERS, "Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    compressed = folder / f"{name}.gz"
    if "gzip" in (accepted or "") and compressed.is_file():
        return FileResponse(compressed, media_type=media_type, headers={**headers, "Content-Encoding": "gzip"})
    return FileResponse(file, media_type=media_type, headers=headers)
