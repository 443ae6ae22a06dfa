from services.demo.program import PROGRAM, REWARDS
from services.loyalty.programs.domain import document_json, parse_document
from services.loyalty.rewards.domain import check_content


def test_the_program_is_a_valid_document_in_its_canonical_form() -> None:
    assert document_json(parse_document(PROGRAM)) == PROGRAM


def test_rewards_are_valid_and_cheapest_first() -> None:
    assert [check_content(reward.content) for reward in REWARDS] == [reward.content for reward in REWARDS]
    assert [reward.content.cost_points for reward in REWARDS] == [100, 300, 500, 1000]
