from pathlib import Path

from services.demo.program import PROGRAM, REWARDS, SHELF
from services.loyalty.programs.domain import document_json, parse_document
from services.loyalty.rewards.domain import check_content


def test_the_program_is_a_valid_document_in_its_canonical_form() -> None:
    assert document_json(parse_document(PROGRAM)) == PROGRAM


def test_rewards_are_valid_and_cheapest_first() -> None:
    offered = (*REWARDS, *SHELF)
    assert [check_content(reward.content) for reward in offered] == [reward.content for reward in offered]
    assert [reward.content.cost_points for reward in REWARDS] == [100, 300, 500, 1000]


def test_every_picture_of_a_reward_is_one_that_the_gateway_serves() -> None:
    pictures = Path(__file__).parents[3] / "services/gateway/console/public/w/pictures"

    shown = [image for reward in (*REWARDS, *SHELF) for image in reward.content.terms.images]

    assert len(set(shown)) == len(REWARDS) + len(SHELF)
    assert {path.removeprefix("/w/pictures/") for path in shown} <= {file.name for file in pictures.iterdir()}
