"""Scores: models of RFM and VAP, who has which scores, and how many have them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from typing import Any, Final

from graph.customers import Customers
from graph.scores import ScoreModels
from oneid.clock import Clock
from oneid.domain.customers import CustomerRecord
from oneid.domain.scores.models import ScoreKind, ScoreModel
from oneid.domain.scores.rfm import RfmModel, quintiles, recent_quintiles
from oneid.domain.scores.scales import Fact, Scoring
from oneid.domain.scores.vap import VapModel, in_thirds
from oneid.domain.segments.conditions import names_of, timed
from oneid.domain.segments.histories import DAY_MS, in_order
from oneid.domain.segments.intervals import milliseconds
from oneid.domain.segments.parsing import Brought, Json, Parser, Path
from oneid.domain.segments.rules import All, Rule
from oneid.errors import Conflict, InvalidInput, LimitExceeded, NotFound
from oneid.services.audiences import AudienceService
from oneid.services.building import BuildingService
from search.buyers import Buyers
from search.members import Members
from search.profiles import ProfileIndex
from search.segments.histories import Histories

MAX_MODELS: Final = 50


@dataclass(frozen=True, slots=True)
class ScoreCard:
    """The scores of a customer by scale, what they come from, and the name of their cell; no scores where the model
    scores only those who did something."""

    model: ScoreModel
    scores: Mapping[str, int]
    facts: Mapping[str, Fact]
    group: str | None

    @property
    def cell(self) -> str | None:
        """The scores side by side, such as 543."""
        return "".join(str(score) for score in self.scores.values()) or None


@dataclass(frozen=True, slots=True)
class Distribution:
    """How many have each combination of scores, those that nobody has left out, and each name."""

    scored: int
    cells: Mapping[str, int]
    groups: Mapping[str, int]


class ScorePlugs:
    """The conditions `rfm` and `vap` of rules."""

    def __init__(self, models: ScoreModels) -> None:
        self._models = models

    async def __call__(self) -> Brought:
        """As the models are now."""
        known = {(model.kind, model.key): model for model in await self._models.all()}

        def read(kind: ScoreKind, given: Json, path: Path) -> Rule:
            model = known.get((kind, given.get("model", "")))
            if model is None:
                message = f"there is no {kind} model {given.get('model')}"
                raise NotFound(message, field=(*path, "model"))
            return model.spec.scoring().read(given, path)

        def rfm(_: Parser, given: Json, path: Path) -> Rule:
            return read(ScoreKind.RFM, given, path)

        def vap(_: Parser, given: Json, path: Path) -> Rule:
            return read(ScoreKind.VAP, given, path)

        return Brought({"rfm": rfm, "vap": vap})


class ScoreService:
    """Defines models and tells scores."""

    def __init__(
        self,
        models: ScoreModels,
        customers: Customers,
        audiences: AudienceService,
        building: BuildingService,
        profiles: ProfileIndex,
        members: Members,
        histories: Histories,
        buyers: Buyers,
        clock: Clock,
    ) -> None:
        self._models = models
        self._customers = customers
        self._audiences = audiences
        self._building = building
        self._profiles = profiles
        self._members = members
        self._histories = histories
        self._buyers = buyers
        self._clock = clock

    async def define(self, model: ScoreModel, *, personal: bool) -> ScoreModel:
        """Saves a model in place of the one of its key; segments that name it follow. `personal`: whether the
        caller may see personal data.

        Raises:
            InvalidInput: key or thresholds make no sense.
            Conflict: the key is of a model of the other kind.
            LimitExceeded: there are as many as there may be.
            Forbidden: it is about personal data.
        """
        model.check()
        rules = every_rule(model.spec.scoring())
        if not personal:
            await self._audiences.permit(rules, (model.kind.lower(),))
        known = {one.key: one for one in await self._models.all()}
        if model.key in known and known[model.key].kind is not model.kind:
            raise Conflict(f"{model.key} is a model of {known[model.key].kind}", field=("key",))
        if model.key not in known and len(known) >= MAX_MODELS:
            raise LimitExceeded(f"there are at most {MAX_MODELS} models", field=("key",))
        await self._audiences.query(All(rules))
        saved = replace(model, conditions=tuple(sorted(timed(All(rules)))))
        saved = replace(saved, version=await self._models.save(saved))
        await self._building.build_soon()
        return saved

    async def by_quintiles(self, model: RfmModel) -> RfmModel:
        """A model with thresholds that divide those who bought within its window now into fifths. Raises
        InvalidInput where its events are tested, or nobody did them."""
        if model.pattern.where:
            raise InvalidInput("quintiles are of all events of a name", field=("order", "where"))
        now = self._clock.now()
        after = now - timedelta(days=model.window_days)
        found = [
            one
            async for page in self._buyers.between(model.pattern.name, model.amount, after, now)
            for one in page
        ]
        if not found:
            raise InvalidInput("nobody did such an event within the window", field=("order",))
        at = milliseconds(now.timestamp())
        recency = recent_quintiles([(at - one.last) / DAY_MS for one in found])
        return replace(
            model,
            recency=tuple(min(model.window_days, days) for days in recency),
            frequency=tuple(int(count) for count in quintiles([one.count for one in found])),
            monetary=quintiles([round(one.amount, 2) for one in found]),
        )

    async def by_terciles(self, model: VapModel) -> VapModel:
        """A model whose sums divide those who ever ordered, by their net amount within its window now, into thirds.
        Raises InvalidInput where its events are tested, or nobody ordered."""
        for name, pattern in (("order", model.order), ("refund", model.refund)):
            if pattern and pattern.where:
                raise InvalidInput("terciles are of all events of a name", field=(name, "where"))
        now = self._clock.now()
        after = now - timedelta(days=model.window_days)
        names = (model.order.name, model.refund.name if model.refund else None)
        found = [net async for page in self._buyers.net(*names, model.amount, after, now) for net in page]
        if not found:
            raise InvalidInput("nobody did such an event", field=("order",))
        return in_thirds(model, found)

    async def models(self) -> list[ScoreModel]:
        """Every model, in order of their keys."""
        return await self._models.all()

    async def cards_of(self, key: str, one_ids: Sequence[str]) -> list[ScoreCard | None]:
        """The scores of customers now by the model of a key; None where there is no such model or customer."""
        model = next((model for model in await self._models.all() if model.key == key), None)
        known = await self._customers.by_one_ids(one_ids) if model else {}
        cards = await self._cards(model, list(known.values())) if model and known else []
        found = {one_id: card for one_id, card in zip(known, cards, strict=True)}
        return [found.get(one_id) for one_id in one_ids]

    async def _cards(self, model: ScoreModel, records: Sequence[CustomerRecord]) -> list[ScoreCard]:
        scoring = model.spec.scoring()
        levels = {f"{s.name}{n + 1}": rule for s in scoring.scales for n, rule in enumerate(s.levels)}
        queries = await self._audiences.queries(levels)
        reached = await self._members.matching([record.one_id for record in records], queries)
        facts = await self._facts(model, records)
        return [
            card(model, scoring, reached.get(record.one_id, frozenset()), facts[record.one_id])
            for record in records
        ]

    async def distribution(self, model: ScoreModel) -> Distribution:
        """How many have each cell and each group now."""
        scoring = model.spec.scoring()
        rules = {"": scoring.scored, **cells(scoring)}
        rules |= {f"group {group.name}": scoring.within([group.name]) for group in scoring.groups}
        counts = await self._profiles.counts(await self._audiences.queries(rules))
        groups = {group.name: counts.pop(f"group {group.name}") for group in scoring.groups}
        scored = counts.pop("")
        return Distribution(scored, {cell: count for cell, count in counts.items() if count}, groups)

    async def _facts(
        self, model: ScoreModel, records: Sequence[CustomerRecord]
    ) -> dict[str, dict[str, Fact]]:
        names = {
            name for rule in timed(All(every_rule(model.spec.scoring()))).values() for name in names_of(rule)
        }
        owners = {id_: r.one_id for r in records for id_ in (r.one_id, *r.former_one_ids)}
        told = await self._histories.of(owners, names)
        now = milliseconds(self._clock.now().timestamp())
        return {one_id: model.spec.facts(in_order(events), now) for one_id, events in told.items()}


def every_rule(scoring: Scoring) -> tuple[Rule, ...]:
    return (scoring.scored, *(rule for scale in scoring.scales for rule in scale.levels))


def cells(scoring: Scoring) -> dict[str, Rule]:
    """Each combination of scores by its name."""
    scores = [range(1, len(scale.levels) + 1) for scale in scoring.scales]
    names = [scale.name for scale in scoring.scales]
    return {
        "".join(map(str, combined)): scoring.cell(
            {name: (score, score) for name, score in zip(names, combined, strict=True)}
        )
        for combined in product(*scores)
    }


def card(model: ScoreModel, scoring: Scoring, reached: frozenset[str], facts: Mapping[str, Any]) -> ScoreCard:
    scores = {
        scale.name: sum(f"{scale.name}{n + 1}" in reached for n in range(len(scale.levels)))
        for scale in scoring.scales
    }
    if not all(scores.values()):
        return ScoreCard(model, {}, facts, None)
    group = next((group.name for group in scoring.groups if group.holds(scores)), None)
    return ScoreCard(model, scores, facts, group)
