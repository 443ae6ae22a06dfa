"""GraphiQL in a real browser: it answers, and nothing leaves the origin.

These tests need Chromium and the built pages, so they stand outside the default test paths: `./dev test` is complete
without them, and nothing is skipped. Run them by `./dev check browser` or `pytest tests/browser`; where Chromium or
the build is missing they fail and say so. That no request left the origin, that the content security policy was never
violated and that the console holds no error is asserted after every test by the `watched` fixture.
"""

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Watched


def run(page: Page) -> None:
    page.get_by_role("button", name="Execute query").click()


def test_an_example_runs_and_its_answer_appears(watched: Watched) -> None:
    page = watched.open("/graphiql")
    expect(page.get_by_role("tab")).to_contain_text(["Member", "WhoAsks"])

    run(page)

    response = page.get_by_role("region", name="Result Window")
    expect(response).to_contain_text("回头客 2017-0042")
    expect(response).to_contain_text("1250")


def test_the_editors_check_the_operation_in_workers_of_our_origin(watched: Watched) -> None:
    page = watched.open("/graphiql")
    editor = page.get_by_role("region", name="Operation Editor")

    editor.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("query Wrong { nobody }")

    expect(editor.locator(".squiggly-error").first).to_be_attached()
    assert {urlsplit(worker.url).netloc for worker in page.workers} == {urlsplit(watched.origin).netloc}


def test_the_bar_names_who_asks_and_is_forgotten_with_the_tab(watched: Watched) -> None:
    page = watched.open("/graphiql")

    page.get_by_label("Token or API key").fill("Bearer rk_secret_1")
    page.get_by_label("Tenant").fill("harvest")
    page.get_by_role("tab", name="WhoAsks").click()
    run(page)

    response = page.get_by_role("region", name="Result Window")
    expect(response).to_contain_text("Bearer rk_secret_1")
    expect(response).to_contain_text("harvest")
    assert "rk_secret_1" in page.evaluate("JSON.stringify(sessionStorage)")
    # The answer that echoes the token is not kept either: GraphiQL stores operations, never responses.
    assert "rk_secret_1" not in page.evaluate("JSON.stringify(localStorage) + document.cookie")
    page.reload()
    expect(page.get_by_label("Token or API key")).to_have_value("Bearer rk_secret_1")


def test_an_example_opens_in_a_new_tab(watched: Watched) -> None:
    page = watched.open("/graphiql?lang=zh")

    page.get_by_label("示例").select_option(label="谁在请求")

    expect(page.get_by_role("tab")).to_contain_text(["Member", "WhoAsks", "WhoAsks"])
    expect(page.get_by_role("region", name="Operation Editor")).to_contain_text("谁在请求")


def test_the_documentation_shows_the_schema(watched: Watched) -> None:
    page = watched.open("/graphiql")

    page.get_by_role("button", name="Show Documentation Explorer").click()
    page.get_by_role("link", name="Query", exact=True).click()

    expect(page.get_by_role("region", name="Documentation Explorer")).to_contain_text("member(")


def test_the_watch_notices_what_would_leave_the_origin(context: BrowserContext, origin: str) -> None:
    watched = Watched(context.new_page(), origin=origin)
    page = watched.open("/graphiql")

    page.evaluate("""new Promise((done) => {
        addEventListener('securitypolicyviolation', () => setTimeout(done))
        fetch('http://127.0.0.1:9/elsewhere').catch(() => null)
    })""")

    assert "policy: connect-src http://127.0.0.1:9/elsewhere" in watched.complaints


def test_a_subscription_is_followed_over_a_socket_as_whoever_is_in_the_bar(watched: Watched) -> None:
    credentials = '{"token": "rk_demo", "tenant": "harvest"}'
    watched.page.add_init_script(f"sessionStorage.setItem('regulars.credentials', '{credentials}')")
    page = watched.open("/graphiql")
    page.get_by_role("region", name="Operation Editor").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("subscription Follow { numbers }")

    run(page)

    response = page.get_by_role("region", name="Result Window")
    expect(response).to_contain_text("2 for Bearer rk_demo in harvest")
