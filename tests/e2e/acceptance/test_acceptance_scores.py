"""A44: value, attrition, potential."""

from typing import Any

from tests.acceptance import Brand, event

CARD = """
query Card($id: String!, $model: String!) {
  customer(by: { oneId: $id }) {
    scores(model: $model) { cell scores { scale score value explanation } }
  }
}
"""
MODEL = "model { thresholds distribution { scored cells { name count } } }"

REGULAR, LATE, GONE = (5, 15, 25), (15, 25, 35), (40, 50, 60)
"""Days of orders every ten days: the last one is no, more than one, more than two medians ago."""

NINE: list[tuple[dict[str, Any], str]] = [
    ({"days": REGULAR, "net": 30, "categories": 1, "opens": 0}, "111"),
    ({"days": LATE, "net": 60, "categories": 2, "opens": 3}, "123"),
    ({"days": GONE, "net": 90, "categories": 1, "opens": 0, "refund": 900}, "131"),
    ({"days": REGULAR, "net": 120, "categories": 2, "opens": 0}, "212"),
    ({"days": LATE, "net": 150, "categories": 1, "opens": 3}, "222"),
    ({"days": GONE, "net": 180, "categories": 2, "opens": 3}, "233"),
    ({"days": REGULAR, "net": 300, "categories": 2, "opens": 3}, "313"),
    ({"days": LATE, "net": 600, "categories": 1, "opens": 0}, "321"),
    ({"days": GONE, "net": 900, "categories": 1, "opens": 3}, "332"),
]
"""What each of nine people did, and the cell that they belong to."""


async def card(brand: Brand, one_id: str, model: str) -> dict[str, Any]:
    found: dict[str, Any] = (await brand.api(CARD, id=one_id, model=model))["customer"]["scores"]
    return found


def history(
    brand: Brand, days: tuple[int, ...], *, net: float, categories: int, opens: int, refund: float = 0
) -> list[dict[str, Any]]:
    """Orders that come to `net` without what is refunded, of so many categories."""
    amount = (net + refund) / len(days)
    orders = [
        event(brand.name("order"), ago=day, amount=amount, category=f"c{n % categories}")
        for n, day in enumerate(days)
    ]
    opened = [event(brand.name("open"), ago=1) for _ in range(opens)]
    return [*orders, *opened, *([event(brand.name("refund"), ago=1, amount=refund)] if refund else [])]


async def test_nine_people_are_divided_by_terciles_and_an_order_moves_attrition_to_low(brand: Brand) -> None:
    """A44: net revenue in thirds of the nine, attrition by the own median, potential by breadth and engagement."""
    people = [brand.user() for _ in NINE]
    ids = [
        await brand.send(who, *history(brand, **given)) for who, (given, _) in zip(people, NINE, strict=True)
    ]
    model: dict[str, Any] = {
        "key": brand.name("vap"),
        "order": {"name": brand.name("order")},
        "refund": {"name": brand.name("refund")},
        "engagement": {"name": brand.name("open")},
        "amount": "amount",
        "category": "category",
        "categories": 2,
        "engagements": 3,
        "terciles": True,
    }

    made = (await brand.do("defineVap", model, MODEL))["model"]

    assert made["thresholds"]["v"] == [120, 300]
    cards = [await card(brand, one_id, model["key"]) for one_id in ids]
    assert [one["cell"] for one in cards] == [cell for _, cell in NINE]
    cells = {one["name"]: one["count"] for one in made["distribution"]["cells"]}
    assert (made["distribution"]["scored"], cells) == (9, {cell: 1 for _, cell in NINE})
    value = cards[0]["scores"][0]
    assert value["value"] == 30
    assert value["explanation"] == (
        "net amount in the last 365 days; 2 and 3: at least 120, 300, thirds of 9 who ordered"
    )
    leaving = {"vap": {"model": model["key"], "v": {"min": 3}, "a": {"min": 3}}}
    assert await brand.find(leaving) == {ids[8]}

    await brand.send(people[8], event(brand.name("order"), amount=10, category="c0"))

    assert (await card(brand, ids[8], model["key"]))["cell"] == "312"
    assert await brand.find(leaving) == set()


async def test_terciles_need_buyers_and_no_sums_beside_them(brand: Brand) -> None:
    model: dict[str, Any] = {
        "key": brand.name("vap"),
        "order": {"name": brand.name("order")},
        "engagement": {"name": brand.name("open")},
        "amount": "amount",
        "category": "category",
        "terciles": True,
    }
    tested = {"name": brand.name("order"), "where": [{"property": "channel", "op": "EQ", "value": "web"}]}

    nobody = await brand.payload("defineVap", model, MODEL)
    both = await brand.payload("defineVap", {**model, "value": [1, 2]}, MODEL)
    some = await brand.payload("defineVap", {**model, "order": tested}, MODEL)

    assert [[(e["code"], e["field"]) for e in one["userErrors"]] for one in (nobody, both, some)] == [
        [("INVALID", ["order"])],
        [("INVALID", ["terciles"])],
        [("INVALID", ["order", "where"])],
    ]
    query = "query M($key: String) { scoreModels(key: $key) { key } }"
    assert (await brand.api(query, key=model["key"]))["scoreModels"] == []
