"""What the page says, in English and Chinese."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageWords:
    """The words of the page in one language."""

    tag: str
    title: str
    hint: str
    search: str
    search_label: str
    all_mail: str
    empty: str
    empty_hint: str
    nothing_found: str
    mails: str
    distinct: str
    repeat: str
    older: str
    newest: str
    back: str
    sender: str
    recipient: str
    received: str
    as_html: str
    as_text: str
    headers: str
    download: str
    open_alone: str
    no_html: str
    no_text: str
    no_subject: str
    not_found: str
    fresh: str
    other_tag: str
    other_name: str


ENGLISH = PageWords(
    tag="en",
    title="Mailbox",
    hint="Everything this system has e-mailed. Nothing leaves this machine.",
    search="Search",
    search_label="Part of a recipient's address",
    all_mail="All mail",
    empty="No mail yet",
    empty_hint="Enroll a member or record a purchase, and their e-mail appears here.",
    nothing_found="No recipient's address contains this.",
    mails="Mails: ",
    distinct="Different Message-IDs: ",
    repeat="sent again",
    older="Older",
    newest="Newest",
    back="All mail",
    sender="From",
    recipient="To",
    received="Received",
    as_html="Mail",
    as_text="Plain text",
    headers="Headers",
    download="Download .eml",
    open_alone="Open alone",
    no_html="This mail has no HTML part.",
    no_text="This mail has no plain text part.",
    no_subject="(no subject)",
    not_found="There is no such mail here.",
    fresh="New mail has arrived",
    other_tag="zh",
    other_name="中文",
)

CHINESE = PageWords(
    tag="zh",
    title="收件箱",
    hint="系统发出的所有邮件都在这里，不会真正寄出。",
    search="搜索",
    search_label="收件地址中的任意部分",
    all_mail="全部邮件",
    empty="还没有邮件",
    empty_hint="登记一位会员或记录一笔消费，邮件就会出现在这里。",
    nothing_found="没有收件地址包含这段文字。",
    mails="邮件：",
    distinct="不同的 Message-ID：",
    repeat="重发",
    older="更早",
    newest="最新",
    back="全部邮件",
    sender="发件人",
    recipient="收件人",
    received="收到时间",
    as_html="邮件",
    as_text="纯文本",
    headers="邮件头",
    download="下载 .eml",
    open_alone="单独打开",
    no_html="这封邮件没有 HTML 部分。",
    no_text="这封邮件没有纯文本部分。",
    no_subject="（无主题）",
    not_found="这里没有这封邮件。",
    fresh="有新邮件",
    other_tag="en",
    other_name="English",
)


def page_words(asked: str, *, accepted: str) -> PageWords:
    """The words for somebody who asked for ``asked`` (en or zh), or else whose browser accepts ``accepted``."""
    if asked in {"en", "zh"}:
        return CHINESE if asked == "zh" else ENGLISH
    return CHINESE if accepted.strip().lower().startswith("zh") else ENGLISH
