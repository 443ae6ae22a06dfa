"""The page of a member's card in a real browser, on a phone's screen, over the real API.

How to run it stands in `test_graphiql.py`. The words are Chinese and English; what a screen without Chinese letters
shows is boxes, so that `fonts-noto-cjk` must be there (the test says so).
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import segno
from playwright.sync_api import Browser, BrowserContext, Page, expect

from services.gateway.graphql.ids import decode
from services.loyalty.cards.domain import STEP, bars, code_at
from services.platform.auth.tokens import Signer
from tests.browser.conftest import DIST, ROOT, Watched
from tests.browser.legible import NAMED, READABLE
from tests.browser.merchant import Merchant, open_merchant
from tests.browser.shelves import NOTHING, crowd, furnish
from tests.support.graphql_client import SECRET
from tests.support.tenants import DatabaseUrls

SHOTS = ROOT / "artifacts/browser"
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
TOO_MANY = {"data": None, "errors": [{"message": "请求过于频繁，请稍后再试。", "extensions": {"code": "RATE_LIMITED"}}]}


@pytest.fixture(scope="module", autouse=True)
def chinese_letters() -> None:
    assert (DIST / "wallet.html").is_file(), (
        "Build the pages first: npm ci && npm run build in services/gateway/console"
    )
    lister = shutil.which("fc-list")
    assert lister, "No fc-list found: install fontconfig"
    fonts = subprocess.run([lister, ":lang=zh", "family"], capture_output=True, text=True, check=True)
    assert fonts.stdout.strip(), "No font with Chinese letters found: install fonts-noto-cjk"


@pytest.fixture
def cafe(database_urls: DatabaseUrls, tmp_path: Path) -> Iterator[Merchant]:
    with open_merchant(database_urls, tmp_path, slug="linjian", name="林间咖啡") as merchant:
        yield merchant


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", **PHONE)
    context.set_default_timeout(20_000)
    yield context
    context.close()


def opened(context: BrowserContext, cafe: Merchant, url: str) -> Watched:
    watched = Watched(context.new_page(), origin=cafe.origin)
    watched.page.goto(url)
    return watched


def at_peace(watched: Watched) -> None:
    assert watched.requests_elsewhere() == []
    assert watched.complaints == []


def shot(page: Page, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"wallet-{name}.png")


def tab(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("button", name=name).click()


def test_a_regular_walks_through_the_page_in_chinese(phone: BrowserContext, cafe: Merchant) -> None:
    furnish(cafe)
    member_id = cafe.enroll("林小满", "zh-CN")
    # Small ones, so that the program's cap on a day's points is not reached.
    cafe.buy(member_id, [f"{2 + index % 3}.00" for index in range(220)])

    cafe.coupon(member_id, {"zh": "生日九折券", "en": "Birthday"}, {"zh": "全单可用", "en": "On everything"}, "10")
    cafe.coupon(member_id, {"zh": "周三半价", "en": "Wednesday"}, {"zh": "限手冲咖啡", "en": "Filter coffee"}, "50")

    watched = opened(phone, cafe, cafe.link(member_id))

    page = watched.page
    expect(page.get_by_role("img", name="二维码")).to_be_visible()
    assert page.url == f"{cafe.origin}/w/{cafe.slug}", "the secret is out of the address"
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    expect(page.get_by_role("banner")).to_contain_text("林间咖啡")
    plate = page.get_by_role("region", name="余额")
    expect(plate).to_contain_text("林小满")
    before = _number(plate.locator(".plate-balance strong").inner_text())
    assert before >= 500
    shot(page, "zh-full-card")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.get_by_role("heading", name="会员等级")).to_be_in_viewport()
    shot(page, "zh-full-tier")

    tab(page, "明细")
    expect(page.locator(".entries li")).to_have_count(50)
    shot(page, "zh-full-history")
    for count in (100, 150, 200, 220):
        page.get_by_role("button", name="加载更多").click()
        expect(page.locator(".entries li")).to_have_count(count)
    expect(page.get_by_role("button", name="加载更多")).to_have_count(0)

    tab(page, "兑换")
    offered = cafe.owner.run("Rewards", first=100)["rewards"]["edges"]
    expect(page.locator(".reward")).to_have_count(len(offered))
    expect(page.get_by_text("已兑完")).to_be_visible()
    shot(page, "zh-full-rewards")
    page.get_by_role("button", name="兑换: 中杯拿铁兑换券").click()
    dialog = page.get_by_role("dialog", name="确认兑换？")
    expect(dialog).to_contain_text(f"{before - 50:,}")
    shot(page, "zh-redeem")
    dialog.get_by_role("button", name="立即兑换").click()
    expect(page.get_by_role("dialog", name="兑换成功")).to_contain_text(f"{before - 50:,}")
    page.get_by_role("button", name="完成").click()
    expect(page.locator(".beside strong")).to_have_text(f"{before - 50:,}")
    page.get_by_role("button", name="已兑换").click()
    expect(page.locator(".entries li")).to_contain_text(["中杯拿铁兑换券"])
    shot(page, "zh-full-redeemed")
    page.get_by_role("button", name="优惠券").click()
    expect(page.locator(".coupon")).to_contain_text(["周三半价", "生日九折券"])
    shot(page, "zh-full-coupons")
    at_peace(watched)


def test_a_reward_is_picked_up_at_a_store_or_given_back(phone: BrowserContext, cafe: Merchant) -> None:
    furnish(cafe)
    cafe.open_store("林间咖啡 · 滨江店", "滨江大道 8 号")
    for index in range(5):
        cafe.open_store(f"林间咖啡 · 城西 {index + 1} 店", f"文三路 {index + 1} 号")
    member_id = cafe.enroll("林小满", "zh-CN")
    cafe.buy(member_id, ["800.00"])
    watched = opened(phone, cafe, cafe.link(member_id))
    page = watched.page
    expect(page.get_by_role("img", name="二维码")).to_be_visible()
    before = _number(page.locator(".plate-balance strong").inner_text())

    tab(page, "兑换")
    page.get_by_role("button", name="兑换: 回头客陶瓷杯").click()
    dialog = page.get_by_role("dialog", name="确认兑换？")
    expect(dialog.get_by_role("radio")).to_have_count(8)
    expect(dialog.get_by_role("radio", name="Store main")).to_be_checked()
    dialog.get_by_role("searchbox", name="查找门店").fill("滨江")
    expect(dialog.get_by_role("radio")).to_have_count(1)
    dialog.get_by_role("radio", name="滨江店").check()
    assert page.evaluate(NAMED) == []
    shot(page, "zh-pick-up")
    dialog.get_by_role("button", name="立即兑换").click()
    had = page.get_by_role("dialog", name="兑换成功")
    expect(had).to_contain_text("自提门店 林间咖啡 · 滨江店")
    code = had.locator(".proof").inner_text().replace("请出示此码", "").strip()
    page.get_by_role("button", name="完成").click()
    expect(page.locator(".beside strong")).to_have_text(f"{before - 480:,}")

    page.get_by_role("button", name="已兑换").click()
    entry = page.locator(".entries li", has_text="回头客陶瓷杯")
    expect(entry).to_contain_text(code)
    shot(page, "zh-redeemed")
    entry.get_by_role("button", name="取消兑换: 回头客陶瓷杯").click()
    question = page.get_by_role("dialog", name="要取消这次兑换吗？")
    expect(question).to_contain_text("480")
    question.get_by_role("button", name="取消兑换").click()
    expect(entry).to_contain_text("已取消")
    expect(entry).not_to_contain_text(code)
    expect(page.locator(".beside strong")).to_have_text(f"{before:,}")
    at_peace(watched)


def test_what_the_server_refuses_is_said_on_the_page(phone: BrowserContext, cafe: Merchant) -> None:
    cafe.reward("SERVICE", {"zh": "最后一份", "en": "The last one"}, NOTHING, 50, 1)
    mine, others = cafe.enroll("林小满", "zh-CN"), cafe.enroll("Mia Member", "en")
    for member_id in (mine, others):
        cafe.buy(member_id, ["200.00"])
    watched = opened(phone, cafe, cafe.link(mine))
    page = watched.page
    expect(page.get_by_role("img", name="二维码")).to_be_visible()
    tab(page, "兑换")
    page.get_by_role("button", name="兑换: 最后一份").click()
    offered = cafe.owner.run("Rewards", first=100)["rewards"]["edges"]
    last = next(edge["node"]["id"] for edge in offered if edge["node"]["name"]["en"] == "The last one")
    cafe.owner.do("RedeemReward", member={"id": others}, rewardId=last, idempotencyKey="the-last-one")

    page.get_by_role("dialog").get_by_role("button", name="立即兑换").click()

    expect(page.get_by_role("alert")).to_have_text("该奖励已无库存。")
    page.get_by_role("dialog").get_by_role("button", name="取消").click()
    expect(page.locator(".reward", has_text="最后一份")).to_contain_text("已兑完")
    page.route("**/graphql", lambda route: route.fulfill(json=TOO_MANY))
    tab(page, "明细")
    expect(page.locator(".nothing")).to_contain_text("请求过于频繁，请稍后再试。")
    at_peace(watched)


def test_a_picture_that_does_not_come_is_replaced(phone: BrowserContext, cafe: Merchant) -> None:
    cafe.reward("DONATION", {"zh": "捐书", "en": "Books"}, NOTHING, 5, None, images=["https://pictures.example/a.png"])
    watched = opened(phone, cafe, cafe.link(cafe.enroll("林小满", "zh-CN")))
    page = watched.page
    expect(page.get_by_role("img", name="二维码")).to_be_visible()
    page.route("https://pictures.example/**", lambda route: route.fulfill(status=404))

    tab(page, "兑换")

    picture = page.locator(".reward", has_text="捐书").locator("img")
    expect(picture).to_have_attribute("src", "/w/pictures/heart.svg")
    assert watched.requests_elsewhere() == ["https://pictures.example/a.png"], "the merchant's pictures, and no more"
    assert [line for line in watched.complaints if "404" not in line] == []


def test_a_coupon_is_shown_to_the_till(phone: BrowserContext, cafe: Merchant) -> None:
    member_id = cafe.enroll("林小满", "zh-CN")
    cafe.coupon(member_id, {"zh": "生日九折券", "en": "Birthday"}, {"zh": "全单可用", "en": "On everything"}, "10")
    off = {"kind": "AMOUNT", "amount": "20"}
    terms = {"benefit": off, "minimum": {"amount": "100"}, "currency": "CNY"}
    cafe.coupon(member_id, {"zh": "满减券", "en": "Twenty off"}, NOTHING, "0", **terms)
    watched = opened(phone, cafe, cafe.link(member_id))
    page = watched.page
    expect(page.get_by_role("img", name="二维码")).to_be_visible()

    tab(page, "兑换")
    page.get_by_role("button", name="优惠券").click()

    expect(page.locator(".coupon", has_text="生日九折券")).to_contain_text("9折")
    expect(page.locator(".coupon", has_text="满减券")).to_contain_text("¥20")
    expect(page.locator(".coupon", has_text="满减券")).to_contain_text("满 ¥100 可用")
    page.get_by_role("button", name="使用: 生日九折券").click()
    expect(page.get_by_role("dialog", name="生日九折券")).to_contain_text("结账时出示会员卡即可")
    page.get_by_role("button", name="完成").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    at_peace(watched)


@pytest.mark.parametrize(("language", "width"), [("zh", 390), ("en", 1280)])
def test_a_crowded_page_keeps_its_shape(browser: Browser, cafe: Merchant, language: str, width: int) -> None:
    member_id = cafe.enroll("林小满", "zh-CN" if language == "zh" else "en")
    crowd(cafe, member_id)
    cafe.buy(member_id, ["2.00"] * 200)
    screen = PHONE if width == 390 else {"viewport": {"width": width, "height": 844}}
    context = browser.new_context(locale="zh-CN" if language == "zh" else "en-US", **screen)
    context.set_default_timeout(20_000)
    watched = opened(context, cafe, cafe.link(member_id))
    page = watched.page
    shelves = ("可兑换", "优惠券") if language == "zh" else ("To redeem", "Coupons")

    tab(page, "兑换" if language == "zh" else "Rewards")
    for shelf, what, least in ((shelves[0], ".reward", 40), (shelves[1], ".coupon", 30)):
        page.get_by_role("button", name=shelf, exact=True).click()
        expect(page.locator(what).nth(least - 1)).to_be_attached()
        expect(page.locator(".waiting")).to_have_count(0)
        shot(page, f"{language}-crowded-{width}-{what[1:]}s")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), shelf
        assert page.evaluate(READABLE) == [], shelf
        assert page.evaluate(NAMED) == [], shelf
    page.get_by_role("button", name=shelves[0], exact=True).click()
    page.get_by_role("button", name="积分足够" if language == "zh" else "Within reach").click()
    assert page.locator(".state", has_text="还差" if language == "zh" else "more to go").count() == 0
    at_peace(watched)
    context.close()


def test_a_newcomer_walks_through_the_page_in_english(phone: BrowserContext, cafe: Merchant) -> None:
    member_id = cafe.enroll("Mia Member", "en")

    watched = opened(phone, cafe, cafe.link(member_id))

    page = watched.page
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    expect(page.get_by_role("region", name="Balance")).to_contain_text("Mia Member")
    shot(page, "en-light-card")
    tab(page, "History")
    expect(page.get_by_role("heading", name="Nothing has happened yet")).to_be_visible()
    shot(page, "en-light-history")
    tab(page, "Rewards")
    expect(page.get_by_text("more to go").first).to_be_visible()
    page.get_by_role("button", name="Redeemed").click()
    expect(page.get_by_role("heading", name="Nothing redeemed yet")).to_be_visible()
    tab(page, "Settings")
    page.get_by_label("What to call you").fill("Mia")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved")
    shot(page, "en-light-settings")
    page.get_by_role("group", name="Language").get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("设置")
    page.reload()
    expect(page.get_by_role("region", name="余额")).to_contain_text("Mia")
    query = "query M($by: MemberReferenceInput!) { member(by: $by) { name locale } }"
    found = cafe.owner.execute(query, {"by": {"id": member_id}})
    assert found.data["member"] == {"name": "Mia", "locale": "zh-CN"}
    at_peace(watched)


def test_what_the_till_scans_is_the_member(phone: BrowserContext, cafe: Merchant) -> None:
    member_id = cafe.enroll("林小满", "zh-CN")
    phone.clock.install()
    watched = opened(phone, cafe, cafe.link(member_id))
    drawn = watched.page.get_by_role("img", name="二维码").locator("path")
    expect(drawn).to_be_visible()
    number = watched.page.locator(".number").inner_text().replace("卡号", "").replace(" ", "").strip()
    tenant = cafe.owner.execute("{ tenant { id now } }").data["tenant"]
    key = Signer(SECRET).card_key(decode("Tenant", tenant["id"], field="id"))
    now = datetime.fromisoformat(tenant["now"])

    first = drawn.get_attribute("d") or ""
    dark = _dark_modules(first)

    texts = [code_at(number, key=key, at=now + steps * STEP).text for steps in (-1, 0, 1)]
    shown = next(text for text in texts if dark in _drawings(text))
    rotating = cafe.owner.do("MemberByScan", text=shown)
    assert (rotating["member"]["id"], rotating["proof"]) == (member_id, "ROTATING")
    phone.clock.fast_forward(int(STEP.total_seconds() * 1000))
    expect(drawn).not_to_have_attribute("d", first)
    later = [code_at(number, key=key, at=now + steps * STEP).text for steps in range(-1, 3)]
    turned = _dark_modules(drawn.get_attribute("d") or "")
    assert next(text for text in later if turned in _drawings(text)) == later[texts.index(shown) + 1]
    printed = watched.page.get_by_role("img", name="条形码").locator("path").get_attribute("d") or ""
    assert [int(width) for width in re.findall(r"h(\d+)v", printed)] == list(bars(number))[::2]
    typed = cafe.owner.do("MemberByScan", text=number)
    assert (typed["member"]["id"], typed["proof"]) == (member_id, "NUMBER")
    at_peace(watched)


def test_a_link_opens_on_one_device_and_ends_when_it_is_revoked(
    browser: Browser, phone: BrowserContext, cafe: Merchant
) -> None:
    member_id = cafe.enroll("林小满", "zh-CN")
    url = cafe.link(member_id)
    watched = opened(phone, cafe, url)
    expect(watched.page.get_by_role("img", name="二维码")).to_be_visible()

    watched.page.goto(url)
    watched.page.reload()
    expect(watched.page.get_by_role("img", name="二维码")).to_be_visible()
    cafe.owner.execute(
        "mutation R($input: RevokeWalletLinksInput!) { revokeWalletLinks(input: $input)"
        " { ... on RevokeWalletLinksPayload { revoked } } }",
        {"input": {"memberId": member_id}},
    )
    watched.page.reload()
    expect(watched.page.get_by_role("heading", name="此链接已无法打开会员卡")).to_be_visible()
    shot(watched.page, "zh-closed")

    other = browser.new_context(locale="en-US", **PHONE)
    stranger = opened(other, cafe, f"{cafe.origin}/w/{cafe.slug}")
    expect(stranger.page.get_by_role("heading", name="Open your card by your own link")).to_be_visible()
    at_peace(stranger)
    other.close()


def test_without_a_connection_the_code_goes_on(phone: BrowserContext, cafe: Merchant) -> None:
    member_id = cafe.enroll("林小满", "zh-CN")
    watched = opened(phone, cafe, cafe.link(member_id))
    page = watched.page
    expect(page.get_by_role("img", name="二维码")).to_be_visible()

    phone.set_offline(True)
    tab(page, "明细")
    expect(page.locator(".banner")).to_contain_text("网络已断开")
    expect(page.get_by_role("heading", name="会员卡加载失败")).to_be_visible()
    tab(page, "卡片")
    expect(page.get_by_role("img", name="二维码")).to_be_visible()
    shot(page, "zh-offline")
    phone.set_offline(False)
    expect(page.locator(".banner")).to_have_count(0)
    watched.complaints[:] = [line for line in watched.complaints if "ERR_INTERNET_DISCONNECTED" not in line]
    at_peace(watched)


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_screen_and_can_be_read(browser: Browser, cafe: Merchant, width: int, scheme: str) -> None:
    furnish(cafe)
    member_id = cafe.enroll("Maximiliane von und zu Hohenstein-Regulars", "en")
    cafe.buy(member_id, ["88.00"] * 3)
    screen: dict[str, Any] = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme, "locale": "en-US"}
    context = browser.new_context(device_scale_factor=2 if width < 400 else 1, **screen)
    watched = opened(context, cafe, cafe.link(member_id))
    page = watched.page
    expect(page.get_by_role("img", name="QR code")).to_be_visible()

    for name in ("Card", "Rewards", "History", "Settings"):
        tab(page, name)
        if name != "Card":
            expect(page.get_by_role("heading", level=1)).to_have_text(name)
            expect(page.locator(".waiting")).to_have_count(0)
        shot(page, f"en-{scheme}-{width}-{name.lower()}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert page.evaluate(READABLE) == [], name
        assert page.evaluate(NAMED) == [], name

    at_peace(watched)
    context.close()


def test_it_is_walked_by_the_keyboard(phone: BrowserContext, cafe: Merchant) -> None:
    furnish(cafe)
    member_id = cafe.enroll("林小满", "zh-CN")
    cafe.buy(member_id, ["800.00"])
    watched = opened(phone, cafe, cafe.link(member_id))
    page = watched.page
    expect(page.get_by_role("img", name="二维码")).to_be_visible()

    tab(page, "兑换")
    button = page.get_by_role("button", name="兑换: 中杯拿铁兑换券")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()
    at_peace(watched)


def _dark_modules(drawn: str) -> frozenset[tuple[int, int]]:
    """The dark modules of the page's drawing, without its quiet zone of four."""
    rows = re.findall(r"M(\d+) (\d+)h(\d+)v1H\d+z", drawn)
    return frozenset((int(y) - 4, int(x) - 4 + more) for x, y, width in rows for more in range(int(width)))


def _drawings(text: str) -> set[frozenset[tuple[int, int]]]:
    """A text as another library draws it, with each of the eight masks (ISO/IEC 18004, 7.8)."""
    matrices = [segno.make(text, error="m", mask=mask, boost_error=False).matrix for mask in range(8)]
    return {
        frozenset((y, x) for y, row in enumerate(matrix) for x, module in enumerate(row) if module)
        for matrix in matrices
    }


def _number(text: str) -> int:
    return int(re.sub(r"\D", "", text))
