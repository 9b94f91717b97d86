"""Evaluation: which timed conditions hold for a customer, and when, from the customer's own events."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from graph.attribute_catalog import AttributeCatalog
from graph.conditions import Conditions, Evaluated, Unevaluated
from oneid.background import together
from oneid.clock import Clock
from oneid.domain.attributes import Computed
from oneid.domain.catalog import AttributeDefinition, Catalog
from oneid.domain.messages import format_time
from oneid.domain.segments.conditions import Condition, ConditionSet, condition_id, names_of
from oneid.domain.segments.histories import Occurrence
from oneid.domain.segments.intervals import milliseconds
from oneid.domain.segments.rules import Timed
from oneid.errors import Retriable
from oneid.metrics import EVALUATED
from oneid.services.projection import ProjectionService, parts
from search.profiles import ProfileIndex
from search.segments.histories import Histories

ROUND: Final = 1_000
WOKEN: Final = 5_000
SETTLED: Final = 5
"""Rounds after which what is still marked was marked by others: a change of stage marks its customer again."""

KEPT_FOR_PREVIEWS: Final = 100
IDLE_SECONDS: Final = 0.1
PATIENCE: Final = 8.0
"""Seconds that a caller waits for what goes on without it."""

FORGOTTEN_AFTER: Final = 600.0
"""Seconds. Who has asked for a condition may still be asking the index with it."""


class EvaluationService:
    """Computes intervals again for marked customers. Any number may run at once, in any process."""

    def __init__(
        self, conditions: Conditions, histories: Histories, catalog: AttributeCatalog, clock: Clock
    ) -> None:
        self._conditions = conditions
        self._histories = histories
        self._catalog = catalog
        self._clock = clock

    async def wake(self) -> int:
        """Marks customers for whom time changes a computed attribute and returns how many. Raises Retriable."""
        return await self._conditions.wake(self._now(), WOKEN)

    async def run_once(self) -> int:
        """Evaluates at most ROUND marked customers and returns how many there were. Raises Retriable."""
        marked, _ = await self._round()
        return marked

    async def all(self) -> None:
        """Returns when everybody who is marked now has been evaluated with what is known now. Raises Retriable."""
        marked = ROUND
        while marked:
            marked, kept = await self._round()
            if kept == marked < ROUND:
                return

    async def evaluate(self, one_ids: Sequence[str]) -> None:
        """Evaluates those among these customers that are marked or that time has changed. Raises Retriable."""
        while marked := await self._conditions.unevaluated_among(one_ids, self._now()):
            if await self._evaluate(marked) == len(marked):
                return

    def _now(self) -> int:
        return milliseconds(self._clock.now().timestamp())

    async def _round(self) -> tuple[int, int]:
        """Of at most ROUND marked customers, how many there were and of how many it was kept."""
        marked = await self._conditions.unevaluated(ROUND, self._now())
        return len(marked), sum(await together(map(self._evaluate, parts(marked))))

    async def _evaluate(self, marked: Sequence[Unevaluated]) -> int:
        """Of how many it was kept. Of the others somebody kept what may have been found before."""
        if not marked:
            return 0
        # Read after the marks: who was marked for a new condition is evaluated with it.
        conditions = await self._conditions.all()
        catalog = await self._catalog.current()
        by_owner = {customer.one_ids[0]: customer for customer in marked}
        owners = {one_id: customer.one_ids[0] for customer in marked for one_id in customer.one_ids}
        names = {name for told in {one.told for one in marked} for name in asked(conditions, catalog, told)}
        now = self._clock.now()
        found = [
            evaluated(by_owner[owner], conditions, catalog, events, now)
            async for owner, events in self._histories.each(owners, names)
        ]
        EVALUATED.inc(len(marked))
        return await self._conditions.keep(found)


def asked(conditions: ConditionSet, catalog: Catalog, told: frozenset[str] | None) -> set[str]:
    """The names of the events that are needed for what events of the names `told` may change."""
    computed = {one.pattern.name for one in catalog.computed.values()}
    concerned = told is None or not told.isdisjoint(computed)
    return conditions.names(told) | (computed if concerned else set())


def evaluated(
    customer: Unevaluated,
    conditions: ConditionSet,
    catalog: Catalog,
    ordered: Sequence[Occurrence],
    now: datetime,
) -> Evaluated:
    """What a customer with these events has now."""
    held = conditions.held(ordered, customer.told, customer.held)
    computed = {one.pattern.name for one in catalog.computed.values()}
    if customer.told is not None and customer.told.isdisjoint(computed):
        return Evaluated(customer, held, customer.computed, customer.evaluate_at)
    return Evaluated(customer, held, *computed_values(customer, catalog, ordered, now))


def computed_values(
    customer: Unevaluated, catalog: Catalog, ordered: Sequence[Occurrence], now: datetime
) -> tuple[Computed, int | None]:
    """The computed attributes of a customer, and when time changes one of them next."""
    at = milliseconds(now.timestamp())
    since = at if customer.wake_at is None else min(customer.wake_at, at)
    told = {
        key: fitting(one.course(ordered, since, at), catalog.by_key[key])
        for key, one in catalog.computed.items()
    }
    found = {key: computed_value(past, customer.computed.get(key), now) for key, past in told.items()}
    changes = [
        change for one in catalog.computed.values() if (change := one.changes(ordered, at)) is not None
    ]
    return {key: value for key, value in found.items() if value}, min(changes, default=None)


def fitting(past: Sequence[tuple[int, Any]], definition: AttributeDefinition) -> list[tuple[int, Any]]:
    """Values over time; those that are not of the attribute's type are none."""
    told = [(at, None if definition.misfit(value) else value) for at, value in past]
    return [one for n, one in enumerate(told) if not n or one[1] != told[n - 1][1]]


def computed_value(
    past: Sequence[tuple[int, Any]], known: list[Any] | None, now: datetime
) -> list[Any] | None:
    """A computed attribute as it is kept (`attributes.Computed`), None where there is and was no value."""
    at, value = past[-1]
    before, *told = known or [None, None]
    # What was told before and is not judged yet is told again: the customer may be evaluated twice until then.
    missed = at < milliseconds(now.timestamp()) and (value != before or len(told) > 1)
    if len(past) > 1 or missed:
        return [value, format_time(datetime.fromtimestamp(at / 1000, UTC)), [list(one) for one in past]]
    if value is None:
        return None
    return [value, told[0] if value == before else format_time(now)]


class MaterialisationService:
    """Makes conditions and brings everybody up to them."""

    def __init__(
        self,
        conditions: Conditions,
        histories: Histories,
        evaluation: EvaluationService,
        projection: ProjectionService,
        profiles: ProfileIndex,
    ) -> None:
        self._conditions = conditions
        self._histories = histories
        self._evaluation = evaluation
        self._projection = projection
        self._profiles = profiles

    async def known(self, rules: Mapping[str, Timed]) -> dict[str, int]:
        """The numbers of those of the conditions, by id, that everybody has been evaluated for. Raises Retriable."""
        return await self.ready(rules, await self._conditions.all()) if rules else {}

    async def ready(self, rules: Mapping[str, Timed], every: ConditionSet) -> dict[str, int]:
        """`known` where all conditions have been read already."""
        found = [every.by_id[id_] for id_ in rules if id_ in every.by_id]
        await self._conditions.touch([condition.id for condition in found])
        return {condition.id: condition.number for condition in found if condition.ready}

    async def numbers(self, rules: Mapping[str, Timed]) -> dict[str, int]:
        """The number of each condition, by id, once everybody whom the events tell of has been evaluated for it.

        Raises LimitExceeded; and Retriable where there are so many that it takes longer: `run_once` goes on with it.
        """
        conditions = await self.make(rules)
        behind = [condition for condition in conditions if not condition.ready]
        try:
            async with asyncio.timeout(PATIENCE):
                await self._bring_up(behind)
        except TimeoutError:
            message = "a condition on events is new, and is being computed for every customer"
            raise Retriable(message, retry_after=PATIENCE) from None
        return {condition_id(condition.rule): condition.number for condition in conditions}

    async def make(self, rules: Mapping[str, Timed]) -> Sequence[Condition]:
        """Conditions that everybody is to be evaluated for. Raises LimitExceeded and Retriable."""
        return await self._conditions.make(rules) if rules else []

    async def run_once(self) -> int:
        """Brings everybody up to the conditions that wait for it, and returns how many there were. Raises Retriable."""
        behind = [one for one in (await self._conditions.all()).conditions if not one.ready]
        await self._bring_up(behind)
        return len(behind)

    async def _bring_up(self, behind: Sequence[Condition]) -> None:
        """A crash on the way leaves it to the next, who does not begin anew with those who were evaluated."""
        if not behind:
            return
        if unmarked := [condition for condition in behind if not condition.marked]:
            names = {name for condition in unmarked for name in names_of(condition.rule)}
            await self._mark(names, {condition.mark for condition in unmarked})
            await self._conditions.marked([condition.id for condition in unmarked])
        await self._evaluate_marked()
        await self._conditions.ready([condition.id for condition in behind])
        await self._conditions.forget(KEPT_FOR_PREVIEWS, FORGOTTEN_AFTER)

    async def evaluate_all(self, names: Collection[str]) -> None:
        """Evaluates everybody under whom events of these names lie."""
        await self._mark(names)
        await self._evaluate_marked()

    async def _mark(self, names: Collection[str], marks: Collection[str] | None = None) -> None:
        async for one_ids in self._histories.customers(names):
            await self._conditions.mark(one_ids, marks)

    async def _evaluate_marked(self) -> None:
        """Returns when who is marked has been evaluated and is found so; meanwhile others are projected."""
        evaluated = asyncio.Event()

        async def evaluate() -> None:
            try:
                await self._evaluation.all()
            finally:
                evaluated.set()

        async def project() -> None:
            while not evaluated.is_set():
                if not await self._projection.run_once(ROUND):
                    await asyncio.sleep(IDLE_SECONDS)

        await together((evaluate(), project()))
        await self.settle()

    async def settle(self) -> None:
        """Returns when every change of a customer before this call is found by searches."""
        for _ in range(SETTLED):
            while (found := await self._projection.run_once(ROUND)) == ROUND:
                pass
            if not found:
                break
        await self._profiles.refresh()
