"""Settings, read once from the environment by the process that composes everything."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Environment = Literal["development", "production"]


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


SECRET_BYTES_MIN = 32
POOL_SIZE_MIN = 4


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
