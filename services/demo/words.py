"""What the demo says on a terminal, in English and Chinese."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from services.demo.reconciliation import Subject

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one language; braces are filled in by their names."""

    making: str
    source: str
    loading: str
    repeating: str
    recounting: str
    loaded: str
    stopped: str
    columns: tuple[str, str, str, str]
    right: str
    wrong: str
    subjects: Mapping[Subject, str]
    nothing_changed: str
    something_changed: str
    books_agree: str
    books_differ: str
    where: str
    log_in: str
    credential: str
    api_key: str
    tenant: str
    examples: str
    dataset_missing: str
    other_home: str
    no_demo: str
    database_lost: str


_EN = Words(
    making="Making the chain: 457 stores, the program, the rewards…",
    source="The Complete Journey by 84.51°: a year of a real grocery chain (services/demo/dataset/SOURCE.md)",
    loading="Ringing up baskets",
    repeating="The same again",
    recounting="Recounting the ledger",
    loaded="Purchases recorded: {recorded:,}. Households enrolled: {enrolled:,}. Rewards redeemed: {redeemed:,}."
    " It took {seconds:.0f} s ({rate:.0f} purchases/s). It is {now} in the chain.",
    stopped="Stopped after {recorded:,} purchases; nothing is lost. The same command goes on from here.",
    columns=("what", "expected", "found", ""),
    right="ok",
    wrong="WRONG",
    subjects=MappingProxyType(
        {
            Subject.YEAR_BASKETS: "baskets of the year in the data",
            Subject.YEAR_SALES: "sales of the year in the data",
            Subject.PURCHASES: "purchases",
            Subject.SALES: "sales",
            Subject.DIFFERENT_BASKETS: "baskets missing, too many or different",
            Subject.HOUSEHOLDS: "households that bought",
            Subject.POINTS_EARNED: "points earned: purchases = ledger",
            Subject.POINTS_SPENT: "points spent: redemptions = ledger",
            Subject.LEDGER_FAULTS: "ledger faults (sum 0, balances = lots = postings, hashes)",
            Subject.LIABILITY: "points outstanding: liability report = balances",
            Subject.LIABILITY_FAULTS: "months whose liability report does not add up",
            Subject.METERED_PURCHASES: "purchases metered",
            Subject.METERED_REDEMPTIONS: "redemptions metered",
        }
    ),
    nothing_changed="A second replay of {repeated:,} baskets changed nothing: {digest}",
    something_changed="The second replay changed something: {before} became {after}, {recorded:,} purchases were new.",
    books_agree="The books agree.",
    books_differ="The books do not agree.",
    where="Where to go",
    log_in="Log in",
    credential="Password",
    api_key="API key of the tills",
    tenant="Tenant (X-Tenant)",
    examples="To try (POST {url}, Authorization: Bearer <API key>; GraphiQL has them in its tabs)",
    dataset_missing="The demo's data are not there: {missing} is missing. ./dev demo installs them.",
    other_home="This database has the demo '{slug}' already, and its password is not in {home}."
    " Set REGULARS_HOME to the folder it was made with, or use another database.",
    no_demo="There is no demo in this database yet: run ./dev demo first.",
    database_lost="The database went away after {recorded:,} purchases; nothing is lost. The same command goes on.",
)
_ZH = Words(
    making="正在建立连锁店：457 家门店、积分计划、奖励……",
    source="数据来自 84.51° 的 The Complete Journey：一家真实连锁超市的一年（services/demo/dataset/SOURCE.md）",
    loading="正在收银",
    repeating="再来一遍",
    recounting="正在清点账本",
    loaded="记录消费 {recorded:,} 笔，家庭入会 {enrolled:,} 户，兑换奖励 {redeemed:,} 份，"
    "用时 {seconds:.0f} 秒（每秒 {rate:.0f} 笔）。店里的时间是 {now}。",
    stopped="已在 {recorded:,} 笔消费后停下，没有丢失任何数据。再次运行同一命令即可继续。",
    columns=("项目", "应有", "实有", ""),
    right="一致",
    wrong="不符",
    subjects=MappingProxyType(
        {
            Subject.YEAR_BASKETS: "数据中全年的购物篮",
            Subject.YEAR_SALES: "数据中全年的销售额",
            Subject.PURCHASES: "消费笔数",
            Subject.SALES: "销售额",
            Subject.DIFFERENT_BASKETS: "缺少、多出或不同的购物篮",
            Subject.HOUSEHOLDS: "有消费的家庭",
            Subject.POINTS_EARNED: "所得积分：消费记录 = 账本",
            Subject.POINTS_SPENT: "所用积分：兑换记录 = 账本",
            Subject.LEDGER_FAULTS: "账本错误（总和为 0，余额 = 批次 = 分录，哈希链）",
            Subject.LIABILITY: "未兑积分：负债报告 = 余额",
            Subject.LIABILITY_FAULTS: "负债报告不平的月份",
            Subject.METERED_PURCHASES: "计量的消费",
            Subject.METERED_REDEMPTIONS: "计量的兑换",
        }
    ),
    nothing_changed="将 {repeated:,} 个购物篮重放一遍，没有任何变化：{digest}",
    something_changed="重放改变了数据：{before} 变为 {after}，新增 {recorded:,} 笔消费。",
    books_agree="账目相符。",
    books_differ="账目不符。",
    where="入口",
    log_in="登录",
    credential="密码",
    api_key="收银台的 API 密钥",
    tenant="商户（X-Tenant）",
    examples="试一试（POST {url}，Authorization: Bearer <API 密钥>；GraphiQL 的标签页里也有）",
    dataset_missing="找不到演示数据：缺少 {missing}。运行 ./dev demo 会自动安装。",
    other_home="此数据库中已有演示商户“{slug}”，但 {home} 中没有它的密码。"
    "请把 REGULARS_HOME 设为建立它时的目录，或换一个数据库。",
    no_demo="此数据库中还没有演示：请先运行 ./dev demo。",
    database_lost="数据库在 {recorded:,} 笔消费后断开，没有丢失任何数据。再次运行同一命令即可继续。",
)
WORDS: Final[Mapping[Language, Words]] = MappingProxyType({"en": _EN, "zh": _ZH})


def language_of(environ: Mapping[str, str]) -> Language:
    """The terminal's language (POSIX: LC_ALL before LC_MESSAGES before LANG); English where it is not Chinese."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"
