"""What kinds of cases and their statuses are called in letters. A code that is not known is not named."""

from collections.abc import Mapping
from types import MappingProxyType

from services.notifications.templates.domain import Locale

_KINDS: Mapping[str, Mapping[Locale, str]] = MappingProxyType(
    {
        "return": {Locale.EN: "Return", Locale.ZH_CN: "退货"},
        "exchange": {Locale.EN: "Exchange", Locale.ZH_CN: "换货"},
        "repair": {Locale.EN: "Repair", Locale.ZH_CN: "维修"},
        "support": {Locale.EN: "Question", Locale.ZH_CN: "咨询"},
    }
)
_STATUSES: Mapping[str, Mapping[Locale, str]] = MappingProxyType(
    {
        "open": {Locale.EN: "Received", Locale.ZH_CN: "已受理"},
        "in_progress": {Locale.EN: "In progress", Locale.ZH_CN: "处理中"},
        "waiting_for_member": {Locale.EN: "Waiting for your reply", Locale.ZH_CN: "等待您的回复"},
        "approved": {Locale.EN: "Approved", Locale.ZH_CN: "已同意"},
        "rejected": {Locale.EN: "Declined", Locale.ZH_CN: "未通过"},
        "completed": {Locale.EN: "Completed", Locale.ZH_CN: "已完成"},
        "closed": {Locale.EN: "Closed", Locale.ZH_CN: "已关闭"},
    }
)


def kind_name(code: str, locale: Locale) -> str:
    """What a kind is called; empty for one that an older release does not know."""
    return _KINDS.get(code, {}).get(locale, "")


def status_name(code: str, locale: Locale) -> str:
    """What a status is called; empty for one that an older release does not know."""
    return _STATUSES.get(code, {}).get(locale, "")
