"""Valkey under our supervision: it keeps what it was told, and one process at a time owns it."""

import os
import signal
from pathlib import Path

import pytest
from redis import Redis

from services.platform.embedded.valkey import EmbeddedValkey, embedded_valkey
from services.platform.supervision.errors import FolderInUse


def client_of(server: EmbeddedValkey) -> Redis:
    return Redis.from_url(server.url)


def test_what_was_written_survives_a_restart(home: Path) -> None:
    with embedded_valkey(home) as server, client_of(server) as client:
        client.lpush("queue", "letter")

    with embedded_valkey(home) as server, client_of(server) as client:
        assert client.lrange("queue", 0, -1) == [b"letter"]
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}


def test_a_killed_server_comes_back_at_its_address(home: Path) -> None:
    with embedded_valkey(home) as server:
        address = server.url
        with client_of(server) as client:
            client.set("key", "value")
        os.kill(server.pid, signal.SIGKILL)

        server.start()

        assert server.url == address
        with client_of(server) as client:
            assert client.get("key") == b"value"


def test_an_orphan_is_ended_before_its_data_is_used(home: Path) -> None:
    orphan = EmbeddedValkey(home)
    orphan.start()
    with client_of(orphan) as client:
        client.set("key", "value")
    orphan.place.lock.release()  # as the death of its owner does

    with embedded_valkey(home) as server, client_of(server) as client:
        assert orphan.exit_code() == 0
        assert client.get("key") == b"value"


def test_a_second_owner_is_refused(home: Path) -> None:
    with embedded_valkey(home) as server:
        with pytest.raises(FolderInUse):
            EmbeddedValkey(home).start()

        with client_of(server) as client:
            assert client.ping() is True
