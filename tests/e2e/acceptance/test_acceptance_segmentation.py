"""A63, A64: ready-made trees that work, and one rule over six kinds of knowledge."""

import random
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tests.acceptance import Brand, event

PREVIEW = """
query P($rule: SegmentRule!) { segmentPreview(rule: $rule, sample: 100) { count sample { oneId } } }
"""


async def test_a_ready_made_tree_tags_people_and_is_installed_once(brand: Brand) -> None:
    """A63: the rules of the beauty tree speak of standard events."""
    fields = "created { path }"
    await brand.do("installTagTemplates", {"pack": "BEAUTY"}, fields)
    views = [event("product.view", ago=n / 10, effect="美白") for n in range(3)]
    one_id = await brand.send(brand.user(), *views, event("order.paid", amount=5_000))

    again = await brand.do("installTagTemplates", {"pack": "BEAUTY"}, fields)

    assert again["created"] == []
    assert {path for path in await brand.tags(one_id) if path.startswith("美妆/")} == {
        "美妆/功效关注/护肤/美白",
        "美妆/消费/首购",
        "美妆/消费/高消费",
    }


@dataclass
class Person:
    """What is known of somebody, of six kinds."""

    city: str | None
    level: str | None
    portrait: bool
    views: list[float]
    orders: list[tuple[float, str]]
    refunds: list[tuple[float, str]]
    consent: str | None
    coupon: bool

    @classmethod
    def some(cls, chance: random.Random) -> "Person":
        def dated(most: int) -> list[tuple[float, str]]:
            return [
                (chance.choice([1, 10, 29.9, 30.1, 45]), chance.choice(["19.9", "50", "100", "0.1"]))
                for _ in range(chance.randrange(most))
            ]

        return cls(
            chance.choice(["上海", "上海", "北京", "北京", "广州", None]),
            chance.choice(["gold", "gold", "gold", "gold", "silver", None]),
            chance.random() < 0.6,
            [chance.choice([0.5, 3, 6.9, 7.1]) for _ in range(chance.randrange(4))],
            dated(4),
            dated(2),
            chance.choice(["GRANTED", "GRANTED", "GRANTED", "GRANTED", "WITHDRAWN", None]),
            chance.random() < 0.3,
        )

    @property
    def belongs(self) -> bool:
        """The rule, said in Python."""
        spent = sum(Decimal(amount) for days, amount in self.orders if days < 30)
        returned = sum(Decimal(amount) for days, amount in self.refunds if days < 30)
        looked = len([days for days in self.views if days < 7]) >= 2
        return (
            self.city in ("上海", "北京")
            and (self.portrait or looked)
            and spent - returned >= 50
            and self.level == "gold"
            and self.consent == "GRANTED"
            and not self.coupon
        )


class Knowledge:
    """The six kinds: basic attributes, portrait, behaviour, transactions, membership files, marketing."""

    def __init__(self, brand: Brand) -> None:
        self.brand = brand
        self.city, self.level = brand.name("city"), brand.name("level")
        self.portrait, self.life = brand.name("精致妈妈"), brand.name("member")
        self.view, self.order, self.refund, self.coupon = (
            brand.name(what) for what in ("view", "order", "refund", "coupon")
        )

    async def define(self) -> None:
        brand = self.brand
        for key in (self.city, self.level):
            await brand.do("defineAttribute", {"key": key, "type": "STRING"})
        await brand.do("createTag", {"name": self.portrait})
        member = {"attribute": {"key": self.level, "op": "EXISTS"}}
        gold = {"attribute": {"key": self.level, "op": "EQ", "value": "gold"}}
        stages = [
            {"key": "member", "name": "会员", "rule": member},
            {"key": "gold", "name": "金卡", "rule": gold},
        ]
        await brand.do("defineLifecycle", {"key": self.life, "name": "会员", "stages": stages})

    @property
    def rule(self) -> dict[str, Any]:
        net = {"property": "amount", "op": "GTE", "value": 50, "less": {"name": self.refund}}
        looked = {"name": self.view, "count": {"op": "GTE", "value": 2}, "window": {"lastDays": 7}}
        return {
            "all": [
                {"attribute": {"key": self.city, "op": "IN", "value": ["上海", "北京"]}},
                {"any": [{"tag": {"tag": self.portrait}}, {"event": looked}]},
                {"event": {"name": self.order, "sum": net, "window": {"lastDays": 30}}},
                {"stage": {"lifecycle": self.life, "stage": "gold"}},
                {
                    "all": [
                        {"consent": {"channel": "sms", "purpose": "marketing"}},
                        {"not": {"event": {"name": self.coupon}}},
                    ]
                },
            ]
        }

    async def tell(self, person: Person) -> str:
        """The ONE-ID of somebody of whom all this is known now."""
        brand, user = self.brand, self.brand.user()
        traits = {self.city: person.city, self.level: person.level}
        one_id = await brand.send(
            user,
            {"type": "identify", "traits": {key: value for key, value in traits.items() if value}},
            *(event(self.view, ago=days) for days in person.views),
            *(event(self.order, ago=days, amount=float(amount)) for days, amount in person.orders),
            *(event(self.refund, ago=days, amount=float(amount)) for days, amount in person.refunds),
            *([event(self.coupon)] if person.coupon else []),
        )
        lookup = {"identifier": {"type": "user_id", "value": user["userId"]}}
        if person.portrait:
            await brand.do("assignTags", {"customers": [lookup], "tags": [self.portrait]})
        if person.consent:
            told = {"channel": "sms", "purpose": "marketing", "state": person.consent}
            await brand.do("setConsent", {"customer": lookup, **told})
        return one_id


async def test_one_rule_over_six_kinds_of_knowledge_finds_whom_brute_force_finds(brand: Brand) -> None:
    """A64: exactly these, and the preview's count is that of the members."""
    chance, knowledge = random.Random(1), Knowledge(brand)
    await knowledge.define()
    people = [Person.some(chance) for _ in range(60)]
    whole = Person("上海", "gold", True, [], [(1, "50")], [], "GRANTED", False)
    people += [whole, replace(whole, orders=[(1, "49.9")])]
    key = brand.name("six")
    await brand.segment(key, knowledge.rule)

    ids = [await knowledge.tell(person) for person in people]

    expected = {one_id for one_id, person in zip(ids, people, strict=True) if person.belongs}
    assert 2 <= len(expected) <= 20
    assert await brand.find(knowledge.rule) == expected
    assert await brand.find({"segment": key}) == expected
    preview = (await brand.api(PREVIEW, rule=knowledge.rule))["segmentPreview"]
    assert preview["count"] == len(expected)
    assert {one["oneId"] for one in preview["sample"]} == expected
    entered = {who for kind, who, _ in await brand.moves(key) if kind == "ENTERED"}
    left = {who for kind, who, _ in await brand.moves(key) if kind == "LEFT"}
    assert entered - left == expected
