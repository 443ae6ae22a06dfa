"""A process that owns servers, to be killed: ``python -m … HOME`` prints their addresses and waits."""

import json
import signal
import sys
from pathlib import Path

from services.platform.embedded.postgres import embedded_postgres
from services.platform.embedded.valkey import embedded_valkey

if __name__ == "__main__":
    home = Path(sys.argv[1])
    with embedded_postgres(home) as postgres, embedded_valkey(home) as valkey:
        addresses = {
            "owner_url": postgres.owner_url,
            "valkey_url": valkey.url,
            "postgres_pid": postgres.pid,
            "valkey_pid": valkey.pid,
        }
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
        signal.pause()
