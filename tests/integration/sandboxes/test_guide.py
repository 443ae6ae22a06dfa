"""The guide's examples, run in their order."""

import json
import re
from dataclasses import replace
from pathlib import Path

from tests.support.graphql_client import GraphQLClient
from tests.support.story import sign_up

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "sandbox.md"
EXAMPLE = re.compile(r"```graphql (live|sandbox)\n(.*?)```\n```json\n(.*?)```", re.DOTALL)


def test_the_guide_says_what_comes_back(gateway: GraphQLClient) -> None:
    live = sign_up(gateway, "corner")
    live.start_program()
    live.open_store()
    sandbox = replace(live, client=live.with_token(live.client.token, X_Tenant="corner-try").client)
    examples = EXAMPLE.findall(GUIDE.read_text(encoding="utf-8"))

    told = [json.loads(answer) for _, _, answer in examples]
    found = [(live if where == "live" else sandbox).send(operation).data for where, operation, _ in examples]

    assert len(examples) == 5
    assert found == told
