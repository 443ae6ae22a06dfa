"""Reports over the API: they keep no till waiting, and one that is too large says what to ask for instead."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.gateway.graphql.reports import queries
from services.loyalty.reports.domain import LiabilityReport, ReportWish
from services.loyalty.reports.queries import liability_report
from services.platform.db.engine import open_database
from services.platform.db.session import ReadSession
from tests.support.graphql_client import GraphQLClient, running_gateway
from tests.support.story import Merchant, quick_services, sign_up
from tests.support.tenants import DatabaseUrls

POOL_SIZE = 4
"""The smallest: one seat for the tills."""
REPORT = """
query ($input: LiabilityReportInput!) {
  stores(first: 5) { edges { node { id } } }
  liabilityReport(input: $input) {
    __typename
    ... on ReportTookTooLong { code message fromDate toDate }
    ... on LiabilityReportPayload { currency }
  }
}"""
PERIOD = {"input": {"from": "2026-01-01", "to": "2026-12-31"}}
STORES = "{ stores(first: 5) { edges { node { id } } } }"


@pytest.fixture
def merchant(database_urls: DatabaseUrls, tmp_path: Path) -> Iterator[Merchant]:
    database = open_database(database_urls.app, pool_size=POOL_SIZE)
    services = quick_services(database, database_urls, tmp_path)
    services = replace(services, settings=replace(services.settings, database_pool_size=POOL_SIZE))
    with running_gateway(services) as client:
        owner: GraphQLClient = client
        signed_up = sign_up(owner, "reporter")
        signed_up.start_program()
        yield signed_up
    database.close()


def test_a_report_that_takes_too_long_says_what_to_ask_for(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(session: ReadSession, *, wish: ReportWish) -> LiabilityReport:
        session.fetch_all("SELECT set_config('statement_timeout', '10ms', true)")
        session.fetch_all("SELECT pg_sleep(20)")
        raise AssertionError(wish)

    with monkeypatch.context() as patch:
        patch.setattr(queries, "report_of", endless)
        english = merchant.send(REPORT, PERIOD).data["liabilityReport"]
        chinese = merchant.with_token(merchant.client.token, Accept_Language="zh").send(REPORT, PERIOD)
    again = merchant.send(REPORT, PERIOD).data["liabilityReport"]

    assert english == {
        "__typename": "ReportTookTooLong",
        "code": "REPORT_TOOK_TOO_LONG",
        "message": "The report from 2026-01-01 to 2026-12-31 takes too long."
        " Ask for a shorter period, or for one point unit.",
        "fromDate": "2026-01-01",
        "toDate": "2026-12-31",
    }
    assert chinese.data["liabilityReport"]["message"].endswith("请缩短日期范围，或只查询一种积分单位。")
    assert again == {"__typename": "LiabilityReportPayload", "currency": "CNY"}


@pytest.mark.parametrize(("first", "last"), [("0001-01-01", "0001-01-01"), ("0001-01-01", "0005-11-30")])
def test_a_period_at_the_beginning_of_the_calendar_is_reported(merchant: Merchant, first: str, last: str) -> None:
    answer = merchant.send(REPORT, {"input": {"from": first, "to": last}})

    assert answer.data["liabilityReport"] == {"__typename": "LiabilityReportPayload", "currency": "CNY"}


def test_tills_do_not_wait_for_reports(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    began, may_end = threading.Event(), threading.Event()
    answers: list[str] = []

    def slow(session: ReadSession, *, wish: ReportWish) -> LiabilityReport:
        report = liability_report(session, wish=wish)
        began.set()
        assert may_end.wait(30)
        return report

    monkeypatch.setattr(queries, "report_of", slow)
    askers = [
        threading.Thread(
            target=lambda: answers.append(merchant.send(REPORT, PERIOD).data["liabilityReport"]["currency"])
        )
        for _ in range(3)
    ]
    for asker in askers:
        asker.start()
    assert began.wait(30)
    told = [merchant.ask(STORES) for _ in range(3)]
    unanswered = list(answers)
    may_end.set()
    for asker in askers:
        asker.join(30)

    assert told == [{"edges": []}] * 3
    assert (unanswered, answers) == ([], ["CNY"] * 3)
