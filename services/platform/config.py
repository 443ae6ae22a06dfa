"""Settings, read once from the environment by the process that composes everything."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Environment = Literal["development", "production"]
DocumentsMode = Literal["any", "trusted"]
LogLevel = Literal["debug", "info", "warning"]


class ConfigurationError(Exception):
    """The environment asks for something that can't work; the text says what to set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process of Regulars needs to know of its surroundings."""

    environment: Environment
    home: Path
    """The one folder for state that is not in a server."""
    database_url: str
    """The application role's connection; a transaction pooler may stand before it."""
    direct_database_url: str
    """The owner role's connection for DDL; never through a pooler."""
    broker_url: str
    valkey_url: str
    """Limits and live feed. Both fail open."""
    smtp_url: str
    mail_sender: str
    secret: bytes
    """Signs invitations and member tokens."""
    base_url: str
    """How the outside reaches the gateway, without a trailing slash."""
    database_pool_size: int
    worker_threads: int
    database_prepared: bool = False
    """Whether statements may be prepared: the server is reached directly, or the pooler keeps clients' apart."""
    allow_unsafe_broker: bool = False
    """Whether to start beside a broker that may forget rings; the sweep finds what they would have told, later."""
    allowed_origins: tuple[str, ...] = ()
    """Origins of web pages whose scripts may call the gateway; ``*`` for all."""
    documents: DocumentsMode = "any"
    """Which GraphQL documents are run; trusted ones may be named by their hash in both modes."""
    trusted_documents: Path | None = None
    """A manifest of trusted documents, or a folder of manifests, beside the one that comes with the gateway."""
    rate_capacity: int = 100_000
    """Points that a caller of the API may spend at once: a bucket for each tenant and kind of credential."""
    rate_per_second: int = 10_000
    """Points by which a bucket recovers each second."""

    metrics_address: str = ""
    """``host:port`` where this process answers ``/metrics``; the next free port is taken. Empty: nowhere."""
    log_level: LogLevel = "info"
    """How much our own code says; libraries say no more at ``debug``, because they would tell what was sent."""


SECRET_BYTES_MIN = 32
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
POOL_SIZE_MIN = 4
RATE_CAPACITY_MIN = 10_000
"""What the dearest operation may cost (`services.gateway.graphql.cost`): in a smaller bucket it would never run."""


def default_home(environ: Mapping[str, str], *, is_root: bool) -> Path:
    """Where state lives when ``REGULARS_HOME`` is silent."""
    if "REGULARS_HOME" in environ:
        return Path(environ["REGULARS_HOME"]).absolute()
    if is_root:
        return Path("/var/lib/regulars")
    return Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "regulars"


def settings_from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process.

    Raises:
        ConfigurationError: a variable is missing or unusable.
    """
    environment = environ.get("REGULARS_ENVIRONMENT", "production")
    if environment not in ("development", "production"):
        message = f"REGULARS_ENVIRONMENT is {environment!r}; set it to 'development' or 'production'"
        raise ConfigurationError(message)
    secret = _required(environ, "REGULARS_SECRET").encode()
    if len(secret) < SECRET_BYTES_MIN:
        message = f"REGULARS_SECRET has {len(secret)} bytes; give it {SECRET_BYTES_MIN} or more random ones"
        raise ConfigurationError(message)
    broker_url = _required(environ, "REGULARS_BROKER_URL")
    database_url = _required(environ, "REGULARS_DATABASE_URL")
    return Settings(
        environment="development" if environment == "development" else "production",
        home=default_home(environ, is_root=hasattr(os, "geteuid") and os.geteuid() == 0),
        database_url=database_url,
        direct_database_url=environ.get("REGULARS_DIRECT_DATABASE_URL", database_url),
        broker_url=broker_url,
        valkey_url=environ.get("REGULARS_VALKEY_URL", broker_url),
        smtp_url=_required(environ, "REGULARS_SMTP_URL"),
        mail_sender=environ.get("REGULARS_MAIL_SENDER", "hello@regulars.localhost"),
        secret=secret,
        base_url=environ.get("REGULARS_BASE_URL", "http://localhost:8000").rstrip("/"),
        database_pool_size=_whole(environ, "REGULARS_DATABASE_POOL_SIZE", 16, minimum=POOL_SIZE_MIN),
        worker_threads=_whole(environ, "REGULARS_WORKER_THREADS", 4, minimum=1),
        database_prepared=_flag(environ, "REGULARS_DATABASE_PREPARED"),
        allow_unsafe_broker=_flag(environ, "REGULARS_ALLOW_UNSAFE_BROKER"),
        allowed_origins=_origins(environ),
        documents=_documents_mode(environ),
        trusted_documents=_path(environ, "REGULARS_TRUSTED_DOCUMENTS"),
        rate_capacity=_whole(environ, "REGULARS_RATE_CAPACITY", 100_000, minimum=RATE_CAPACITY_MIN),
        rate_per_second=_whole(environ, "REGULARS_RATE_PER_SECOND", 10_000, minimum=1),
        metrics_address=environ.get("REGULARS_METRICS_ADDRESS", ""),
        log_level=_log_level(environ),
    )


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        message = f"{name} is not set; './dev run' sets it for you, docs/guides/configuration.md says what it means"
        raise ConfigurationError(message)
    return value


def _whole(environ: Mapping[str, str], name: str, default: int, *, minimum: int) -> int:
    text = environ.get(name, str(default))
    if not text.isdecimal() or int(text) < minimum:
        message = f"{name} is {text!r}; set it to a whole number of at least {minimum}"
        raise ConfigurationError(message)
    return int(text)


def _origins(environ: Mapping[str, str]) -> tuple[str, ...]:
    origins = tuple(environ.get("REGULARS_ALLOWED_ORIGINS", "").replace(",", " ").split())
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            message = f"REGULARS_ALLOWED_ORIGINS names {origin!r}; an origin is scheme://host or scheme://host:port"
            raise ConfigurationError(message)
    return origins


def _documents_mode(environ: Mapping[str, str]) -> DocumentsMode:
    mode = environ.get("REGULARS_DOCUMENTS", "any")
    if mode not in ("any", "trusted"):
        raise ConfigurationError(f"REGULARS_DOCUMENTS is {mode!r}; set it to 'any' or 'trusted'")
    return "trusted" if mode == "trusted" else "any"


def _log_level(environ: Mapping[str, str]) -> LogLevel:
    match environ.get("REGULARS_LOG_LEVEL", "info"):
        case "debug" | "info" | "warning" as level:
            return level
        case other:
            raise ConfigurationError(f"REGULARS_LOG_LEVEL is {other!r}; set it to 'debug', 'info' or 'warning'")


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    text = environ.get(name, "")
    return Path(text).absolute() if text else None


def _flag(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "no")
    if text not in ("yes", "no"):
        message = f"{name} is {text!r}; set it to 'yes' or 'no'"
        raise ConfigurationError(message)
    return text == "yes"
