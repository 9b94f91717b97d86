"""Real purchases (CDNOW, 1997 to 1998): segments and scores are what pandas counts straight from the file."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas
import pytest

from oneid.bootstrap import Stores, scores, upkeep
from oneid.domain.messages import format_time
from oneid.domain.scores.models import ScoreKind, ScoreModel
from oneid.domain.scores.rfm import RfmModel
from oneid.domain.segments.rules import EventPattern
from oneid.services import evaluation
from oneid.services.audiences import AudienceService
from tests.integration.segments.conftest import HandClock
from tests.pipeline import Pipeline
from tests.real_data import RealFile

CDNOW = RealFile("cdnow-master.txt.gz", "latin-1", "Order", ())
INSTANTS = [datetime(1997, 1, 20, 12, tzinfo=UTC) + timedelta(days=58 * n) for n in range(10)]
MODEL = RfmModel(
    EventPattern("Order"), "amount", 365, (30, 60, 120, 240), (2, 3, 4, 6), (20.0, 50.0, 100.0, 200.0)
)
Frame = Any
"""A table of pandas, which strict type checking can't follow."""


def purchases(most: int | None) -> Frame:
    """The file's lines of customers up to a number, as they stand: customer, at, items, amount."""
    columns = ["customer", "day", "items", "amount"]
    read: Any = pandas.read_csv(io.StringIO(CDNOW.text()), sep=r"\s+", names=columns, header=0)
    table = read if most is None else read[read.customer <= most]
    return table.assign(at=pandas.to_datetime(table.day.astype(str), format="%Y%m%d", utc=True))


def message(line: int, row: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Order",
        "messageId": f"cdnow-{line}",
        "userId": f"cdnow-{row.customer}",
        "timestamp": format_time(row.at.to_pydatetime()),
        "properties": {"amount": float(row.amount), "items": int(row.items)},
    }


def bought(table: Frame, now: datetime, days: int | None = None) -> Frame:
    """The purchases up to an instant, of the last so many days."""
    told = table[table["at"] <= now]
    return told if days is None else told[told["at"] > now - timedelta(days=days)]


def often(table: Frame, now: datetime) -> set[int]:
    """Who bought three times or more within 90 days."""
    counts = bought(table, now, 90).groupby("customer").size()
    return set(counts[counts >= 3].index)


def asleep(table: Frame, now: datetime) -> set[int]:
    """Who has bought, but not for 180 days."""
    return set(bought(table, now).customer) - set(bought(table, now, 180).customer)


def cells(table: Frame, now: datetime) -> dict[str, int]:
    """How many customers have each RFM cell."""
    by = bought(table, now, MODEL.window_days).groupby("customer")
    if not len(by):
        return {}
    days = (now - by["at"].max()).dt.total_seconds() / 86_400
    # Cents, so that sums are exact.
    money = by["amount"].apply(in_cents) / 100
    r = fifths([days < limit for limit in MODEL.recency])
    f = fifths([by.size() >= limit for limit in MODEL.frequency])
    m = fifths([money >= limit for limit in MODEL.monetary])
    told = r + f + m
    return {str(cell): int(count) for cell, count in told.value_counts().items()}


def in_cents(amounts: Frame) -> int:
    return int(round(amounts * 100).sum())


def fifths(reached: list[Frame]) -> Frame:
    """One to five, as text: how many of the four limits each customer reaches, and one."""
    return (1 + pandas.concat(reached, axis=1).sum(axis=1)).astype(str)


async def loaded(pipeline: Pipeline, stores: Stores, table: Frame) -> dict[str, int]:
    """Sends every line through the log; the file's number of each customer, by ONE-ID."""
    items = [message(line, row) for line, row in enumerate(table.itertuples())]
    owners = dict[str, int]()
    for low in range(0, len(items), 2_000):
        await pipeline.append(items[low : low + 2_000], datetime(1998, 12, 1, tzinfo=UTC))
        for received, item in zip(await pipeline.drain(), items[low : low + 2_000], strict=True):
            owners[received.one_id or ""] = int(item["userId"].removeprefix("cdnow-"))
    work = upkeep(stores)
    while await work.evaluation.run_once() or await work.projection.run_once():
        pass
    await stores.profiles.refresh()
    return owners


async def check(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService, clock: HandClock, table: Frame
) -> None:
    owners = await loaded(pipeline, stores, table)
    model = await scores(stores).define(ScoreModel("cdnow", ScoreKind.RFM, MODEL, 0), personal=True)
    three = {"event": {"name": "Order", "count": {"op": "GTE", "value": 3}, "window": {"lastDays": 90}}}
    recently = {"event": {"name": "Order", "window": {"lastDays": 180}}}
    ever = {"event": {"name": "Order"}}

    async def found(rule: dict[str, Any]) -> set[int]:
        query = await audiences.query(await audiences.read(rule, personal=True))
        return {owners[one_id] async for page in stores.members.of(query) for one_id in page}

    for now in INSTANTS:
        clock.at = now
        assert await found(three) == often(table, now), now
        assert await found({"all": [ever, {"not": recently}]}) == asleep(table, now), now
        assert (await scores(stores).distribution(model)).cells == cells(table, now), now


@pytest.mark.timeout(300)
async def test_segments_and_rfm_cells_of_real_purchases_are_what_pandas_counts(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService, clock: HandClock
) -> None:
    await check(pipeline, stores, audiences, clock, purchases(most=600))


@pytest.mark.real
@pytest.mark.timeout(3600)
async def test_segments_and_rfm_cells_of_all_purchases_are_what_pandas_counts(
    pipeline: Pipeline,
    stores: Stores,
    audiences: AudienceService,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Callers would try again until the conditions are computed for everybody."""
    monkeypatch.setattr(evaluation, "PATIENCE", 600.0)
    await check(pipeline, stores, audiences, clock, purchases(most=None))
