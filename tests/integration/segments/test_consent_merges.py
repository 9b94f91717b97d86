"""Consents where customers become one and come apart, and where changes meet."""

import asyncio
from datetime import timedelta

import pytest

from oneid.bootstrap import Stores, consents, stewardship
from oneid.domain.consents import ConsentHistory, ConsentState, statement
from oneid.domain.identifiers import Identifier
from oneid.errors import NotFound
from oneid.services.stewardship import Split
from tests.integration.segments.conftest import HandClock
from tests.pipeline import Pipeline, event

GRANTED, WITHDRAWN = ConsentState.GRANTED, ConsentState.WITHDRAWN
MINUTE = timedelta(minutes=1)


class Sayings:
    """Says, and tells what counts."""

    def __init__(self, stores: Stores, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._service = consents(stores)

    async def set(self, one_id: str, channel: str, state: ConsentState, evidence: str | None = None) -> None:
        await self._service.set(one_id, statement(channel, "marketing", state, "test", evidence))

    async def of(self, one_id: str) -> dict[str, ConsentHistory]:
        (found,) = await self._service.of([one_id])
        return {history.pair[0]: history for history in found}

    async def counting(self, one_id: str) -> dict[str, ConsentState]:
        """What counts for each channel; the index is told the same."""
        found = {channel: history.effective for channel, history in (await self.of(one_id)).items()}
        rows = await self._pipeline.stores.graph.read(
            "test", "MATCH (c:Customer {oneId: $oneId}) RETURN coalesce(c.consents, []) AS told", oneId=one_id
        )
        assert sorted(told.split("|")[0] for told in rows[0]["told"]) == sorted(found)
        return found


@pytest.fixture
def sayings(stores: Stores, pipeline: Pipeline) -> Sayings:
    return Sayings(stores, pipeline)


async def people(pipeline: Pipeline, *users: str) -> list[str]:
    found = await pipeline.ingest(*(event(user_id=user) for user in users))
    return [one_id for one_id in found if one_id]


@pytest.mark.parametrize("first", [GRANTED, WITHDRAWN])
@pytest.mark.parametrize("earlier", ["survivor", "loser", "neither"])
async def test_of_two_who_merge_the_newest_counts_and_at_the_same_time_the_withdrawal(
    pipeline: Pipeline, stores: Stores, clock: HandClock, sayings: Sayings, first: ConsentState, earlier: str
) -> None:
    survivor, loser = await people(pipeline, "u1", "u2")
    second = WITHDRAWN if first is GRANTED else GRANTED
    told = [(survivor, first), (loser, second)]
    for one_id, state in told[::-1] if earlier == "loser" else told:
        await sayings.set(one_id, "email", state)
        if earlier != "neither":
            clock.at += MINUTE

    await stewardship(stores).merge(survivor, [loser], None)

    counts = {"survivor": second, "loser": first, "neither": WITHDRAWN}[earlier]
    assert await sayings.counting(survivor) == {"email": counts}
    assert len((await sayings.of(survivor))["email"].changes) == 2


async def test_several_who_merge_at_once_bring_all_that_they_said(
    pipeline: Pipeline, stores: Stores, clock: HandClock, sayings: Sayings
) -> None:
    survivor, *losers = await people(pipeline, "u1", "u2", "u3", "u4")
    for number, one_id in enumerate(losers):
        clock.at += MINUTE
        await sayings.set(one_id, f"own{number}", GRANTED)
        await sayings.set(one_id, "email", WITHDRAWN if number == 1 else GRANTED)
    clock.at += MINUTE
    await sayings.set(losers[0], "all", WITHDRAWN)

    await stewardship(stores).merge(survivor, losers, None)

    assert await sayings.counting(survivor) == {
        "all": WITHDRAWN,
        "email": WITHDRAWN,
        "own0": WITHDRAWN,
        "own1": WITHDRAWN,
        "own2": WITHDRAWN,
    }
    clock.at += MINUTE
    await sayings.set(losers[2], "own1", GRANTED)
    assert (await sayings.counting(survivor))["own1"] is GRANTED


async def test_who_is_split_off_anew_keeps_what_was_withdrawn_and_nothing_that_was_granted(
    pipeline: Pipeline, stores: Stores, sayings: Sayings
) -> None:
    (one,) = await people(pipeline, "u1")
    await pipeline.ingest(event(user_id="u1", anonymous_id="a1"))
    await sayings.set(one, "sms", WITHDRAWN, "an old one")
    await sayings.set(one, "sms", GRANTED)
    await sayings.set(one, "push", GRANTED)
    await sayings.set(one, "email", GRANTED)
    await sayings.set(one, "email", WITHDRAWN, "from u1@example.cn")

    kept, off = await stewardship(stores).split(Split(one, [Identifier("anonymous_id", "a1")]))

    assert kept == one
    assert await sayings.counting(kept) == {"email": WITHDRAWN, "push": GRANTED, "sms": GRANTED}
    assert await sayings.counting(off) == {"email": WITHDRAWN}
    (change,) = (await sayings.of(off))["email"].changes
    assert (change.source, change.evidence) == ("test", None)
    await stewardship(stores).merge(kept, [off], None)
    (newest, oldest) = (await sayings.of(kept))["email"].changes
    assert (newest.evidence, oldest.consent.state) == ("from u1@example.cn", GRANTED)


async def test_a_merge_that_is_taken_back_leaves_each_what_it_said_and_both_what_was_withdrawn(
    pipeline: Pipeline, stores: Stores, clock: HandClock, sayings: Sayings
) -> None:
    one, two = await people(pipeline, "u1", "u2")
    await sayings.set(one, "email", WITHDRAWN)
    await sayings.set(two, "sms", WITHDRAWN)
    await sayings.set(two, "wechat", GRANTED)
    clock.at += MINUTE
    await sayings.set(two, "email", GRANTED)
    await sayings.set(one, "push", GRANTED)
    await stewardship(stores).merge(one, [two], None)
    together = await sayings.counting(one)
    assert together == {"email": GRANTED, "push": GRANTED, "sms": WITHDRAWN, "wechat": GRANTED}

    assert await stewardship(stores).split(Split(one, [Identifier("user_id", "u2")])) == (one, two)

    assert await sayings.counting(one) == {"email": WITHDRAWN, "push": GRANTED, "sms": WITHDRAWN}
    assert await sayings.counting(two) == {"email": GRANTED, "sms": WITHDRAWN, "wechat": GRANTED}
    await stewardship(stores).merge(one, [two], None)
    assert await sayings.counting(one) == together


async def test_who_says_something_while_being_merged_is_heard(
    pipeline: Pipeline, stores: Stores, clock: HandClock, sayings: Sayings
) -> None:
    for number in range(5):
        survivor, loser = await people(pipeline, f"a{number}", f"b{number}")
        clock.at += MINUTE
        await asyncio.gather(
            stewardship(stores).merge(survivor, [loser], None), sayings.set(loser, "email", WITHDRAWN)
        )

        assert await sayings.counting(survivor) == {"email": WITHDRAWN}


async def test_many_who_say_the_same_at_once_say_it_once(
    pipeline: Pipeline, sayings: Sayings, clock: HandClock
) -> None:
    (one_id,) = await people(pipeline, "u1")
    version = (await pipeline.customer(one_id)).version

    await asyncio.gather(*(sayings.set(one_id, "email", WITHDRAWN) for _ in range(8)))

    assert len((await sayings.of(one_id))["email"].changes) == 1
    assert (await pipeline.customer(one_id)).version == version + 1


async def test_nobody_says_nothing(pipeline: Pipeline, sayings: Sayings) -> None:
    with pytest.raises(NotFound) as refused:
        await sayings.set("nobody", "email", GRANTED)

    assert refused.value.field == ("customer",)
