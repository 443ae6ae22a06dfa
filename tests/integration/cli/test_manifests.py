"""A gateway that is told to trust what can't be read does not start, and says so."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.__main__ import app


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "is not there"), (json.dumps({"0" * 64: "{ a }"}), "is not the SHA-256")]
)
def test_a_manifest_that_can_not_be_read(tmp_path: Path, content: str | None, complaint: str) -> None:
    file = tmp_path / "manifest.json"
    if content is not None:
        file.write_text(content)
    environment = {
        "REGULARS_HOME": str(tmp_path),
        "REGULARS_SECRET": "s" * 32,
        "REGULARS_BROKER_URL": "redis://127.0.0.1:9",
        "REGULARS_DATABASE_URL": "postgresql://127.0.0.1:9/none",
        "REGULARS_SMTP_URL": "smtp://127.0.0.1:9",
        "REGULARS_TRUSTED_DOCUMENTS": str(file),
    }

    result = CliRunner().invoke(app, ["gateway"], env=environment)

    assert result.exit_code == 2
    assert complaint in " ".join(result.output.split())
