"""`oneid import`: what fails is told by line, column and reason; the rest goes in."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment import Deployment, deployment
from tests.servers import Servers

pytestmark = pytest.mark.timeout(600)

ORDERS = """order,who,at,sum
o1,u1,2026-03-01 10:00,10.50
o2,u2,soon,11
o3,,2026-03-01 11:00,12
o4,u4,2026-03-01 12:00,twelve
o5,u5,2026-03-01 13:00,13,14
o6,u1,2026-03-01 14:00,0.05
o7,u\0,2026-03-01 15:00,9
"""
PEOPLE = """{"id": "u1", "tel": "138 0013 8000", "name": "林悦", "card": 7}
{"tel": "+86 139 0013 9000", "name": "Chen"}
{"id": 1.5}
"""


@pytest.fixture
def running(servers: Servers, clean: None, tmp_path: Path) -> Iterator[Deployment]:
    with deployment(tmp_path / "data", **servers.environment()) as found:
        yield found


def failures(running: Deployment, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (running.directory / name).read_text().splitlines()]


def test_bad_rows_are_told_and_good_ones_go_in(running: Deployment, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS)
    mapped = (
        "--map",
        "order=order_id",
        "--map",
        "who=user_id",
        "--map",
        "at=timestamp",
        "--map",
        "sum=revenue",
    )
    refused, output = running.run(
        "import", str(path), "--preset", "orders", *mapped, "--write-key", "wk_wrong"
    )
    assert (refused, "(401)" in output) == (1, True), output
    code, output = running.run("import", str(path), "--preset", "orders", *mapped)
    assert (code, "2 rows accepted" in output, "5 rows failed" in output) == (1, True, True), output
    assert failures(running, "orders.csv.errors.ndjson") == [
        {
            "line": 3,
            "column": "at",
            "reason": "'soon' is no time written as ISO 8601 such as 2026-03-01 18:30",
        },
        {"line": 4, "column": None, "reason": "the row names nobody"},
        {"line": 5, "column": "sum", "reason": "'twelve' is no number"},
        {"line": 6, "column": None, "reason": "5 columns instead of 4"},
        {"line": 8, "column": None, "reason": "the event holds a NUL character"},
    ]
    running.drain(60)
    (total,) = running.totals("Order Completed", sum="revenue")
    assert total == {"key": "", "events": 2, "customers": 1, "sum": "10.55"}


def test_people_are_found_by_what_their_rows_name(running: Deployment, tmp_path: Path) -> None:
    path = tmp_path / "people.ndjson"
    path.write_text(PEOPLE)
    mapped = (
        "--map",
        "id=user_id",
        "--map",
        "tel=phone",
        "--map",
        "name=name",
        "--map",
        "card=id.member_card",
    )
    code, output = running.run("import", str(path), "--preset", "people", *mapped)
    assert (code, "2 rows accepted" in output) == (1, True), output
    assert [entry["line"] for entry in failures(running, "people.ndjson.errors.ndjson")] == [3]
    running.drain(60)
    lin, chen = running.customer("member_card", "7"), running.customer("phone", "+8613900139000")
    assert lin is not None
    assert chen is not None
    assert {(i["type"], i["value"]) for i in lin["identifiers"]} == {
        ("user_id", "u1"),
        ("phone", "+8613800138000"),
        ("member_card", "7"),
    }
    assert [(i["type"], i["value"]) for i in chen["identifiers"]] == [("phone", "+8613900139000")]
