"""How the pages are served: headers, caching, compression, and what is said when they are not built. No browser."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from services.gateway.pages import page_routes

IMMUTABLE = "public, max-age=31536000, immutable"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>welcome</title>")
    (tmp_path / "graphiql.html").write_text("<title>graphiql</title>")
    (tmp_path / "assets/main-1a2b.js").write_text("answer()")
    (tmp_path / "secret.js").write_text("never served")
    (tmp_path / "wallet.html").write_text("<title>card</title>")
    (tmp_path / "w/pictures").mkdir(parents=True)
    (tmp_path / "w/pictures/mug.svg").write_text("<svg/>")
    return tmp_path


def ask(dist: Path, path: str, *, accept: str = "identity", graphiql: bool = True) -> httpx.Response:
    status = {"graphiql": "/graphiql", "mail": None, "health": "/health/ready", "docs": None, "demo": None}
    app = Starlette(routes=page_routes(dist=dist, welcome=lambda: status, graphiql=graphiql))

    async def answer() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://regulars.test") as client:
            request = client.build_request("GET", path, headers={"Accept-Encoding": accept})
            response = await client.send(request, stream=True)
            # Raw bytes: what travels is what is tested, not what a client would unpack.
            response.extensions["raw"] = b"".join([part async for part in response.aiter_raw()])
            return response

    # On a thread of its own: the browser of the neighboring tests keeps an event loop on this one.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, answer()).result()


def body(response: httpx.Response) -> bytes:
    raw: bytes = response.extensions["raw"]
    return raw


@pytest.mark.parametrize(
    ("path", "cache", "media_type"),
    [
        ("/", "no-cache", "text/html; charset=utf-8"),
        ("/graphiql", "no-cache", "text/html; charset=utf-8"),
        ("/welcome.json", "no-store", "application/json"),
        ("/graphiql/examples.json", "no-store", "application/json"),
        ("/assets/main-1a2b.js", IMMUTABLE, "text/javascript; charset=utf-8"),
    ],
)
def test_everything_is_served_under_the_policy(dist: Path, path: str, cache: str, media_type: str) -> None:
    response = ask(dist, path)

    assert response.status_code == 200
    assert response.headers["cache-control"] == cache
    assert response.headers["content-type"] == media_type
    assert response.headers["x-content-type-options"] == "nosniff"
    policy = response.headers["content-security-policy"].split("; ")
    assert {"default-src 'self'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy)


def test_the_compressed_copy_goes_to_those_who_accept_it(dist: Path) -> None:
    (dist / "assets/main-1a2b.js.gz").write_bytes(b"\x1f\x8bcopy")

    plain = ask(dist, "/assets/main-1a2b.js")
    packed = ask(dist, "/assets/main-1a2b.js", accept="gzip, br")

    assert (body(plain), plain.headers.get("content-encoding")) == (b"answer()", None)
    assert (body(packed), packed.headers["content-encoding"]) == (b"\x1f\x8bcopy", "gzip")
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("name", ["none.js", "..%2Fsecret.js", "%2e%2e", "main-1a2b.js.gz", "", "a%00.js"])
def test_other_names_are_not_found(dist: Path, name: str) -> None:
    assert ask(dist, f"/assets/{name}").status_code == 404


def test_a_card_runs_nothing_but_our_files_and_shows_pictures_of_merchants(dist: Path) -> None:
    page, picture = ask(dist, "/w/corner"), ask(dist, "/w/pictures/mug.svg")

    for response in (page, picture):
        assert response.status_code == 200
        policy = set(response.headers["content-security-policy"].split("; "))
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' https:"} <= policy
        assert response.headers["referrer-policy"] == "no-referrer"
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.headers["cache-control"] == "public, max-age=86400"


@pytest.mark.parametrize("name", ["none.svg", "..%2F..%2Fsecret.js", "%2e%2e", "a%00.svg"])
def test_there_are_no_other_pictures(dist: Path, name: str) -> None:
    assert ask(dist, f"/w/pictures/{name}").status_code == 404


def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    response = ask(tmp_path / "missing", "/")

    assert response.status_code == 503
    assert "npm ci &amp;&amp; npm run build" in body(response).decode()
    assert "页面尚未构建" in body(response).decode()


def test_graphiql_can_be_left_out(dist: Path) -> None:
    assert ask(dist, "/graphiql", graphiql=False).status_code == 404
    assert ask(dist, "/graphiql/examples.json", graphiql=False).status_code == 404
    assert json.loads(body(ask(dist, "/welcome.json", graphiql=False)))["graphiql"] is None
