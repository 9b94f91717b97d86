"""A01 to A04, A16's timeline: advertisements, browsing, interests, and who deserves more coverage."""

from typing import Any

from tests.acceptance import Brand, event

DAY_MINUTES = 1440
TIMELINE = """
query Timeline($id: String!) {
  customer(by: { oneId: $id }) { oneId events(first: 10) { nodes { name properties } } }
}
"""
REPORT = """
query Report($shown: [String!], $clicked: [String!], $viewed: [String!]) {
  shown: eventTotals(names: $shown, groupByProperty: "campaign") { ...all }
  clicked: eventTotals(names: $clicked, groupByProperty: "campaign") { ...all }
  viewed: eventTotals(names: $viewed, groupByProperty: "campaign") { ...all }
}
fragment all on EventTotal { key events customers }
"""
ATTRIBUTES = """
query Held($id: String!, $keys: [String!]) {
  customer(by: { oneId: $id }) { attributes(keys: $keys) { key value source party updatedAt } }
}
"""


def minutes(name: str, ago: float, **properties: Any) -> dict[str, Any]:
    return event(name, ago=ago / DAY_MINUTES, **properties)


class Advertising:
    """The tags of A01: the campaign of a click, and deep interaction after it."""

    def __init__(self, brand: Brand) -> None:
        self.brand = brand
        self.click, self.leave = brand.name("ad.click"), brand.name("page.leave")
        self.campaign = f"{brand.name('来源')}/广告/c1"
        self.deep = brand.name("深度互动")

    @property
    def deep_rule(self) -> dict[str, Any]:
        """A click, and within the hour a page that was looked at for strictly more than ten seconds."""
        long = {"name": self.leave, "where": [{"property": "dwell_ms", "op": "GT", "value": 10_000}]}
        return {"sequence": {"steps": [{"name": self.click}, long], "withinHours": 1}}

    async def install(self) -> None:
        brand, root = self.brand, self.brand.name("来源")
        clicked = {"name": self.click, "where": [{"property": "campaign", "op": "EQ", "value": "c1"}]}
        await brand.do("createTag", {"name": root})
        await brand.do("createTag", {"name": "广告", "parent": root})
        await brand.do("createTag", {"name": "c1", "parent": f"{root}/广告", "rule": {"event": clicked}})
        await brand.do("createTag", {"name": self.deep, "rule": self.deep_rule})

    async def visitor(self, dwell: int, *, click: bool = True, apart: float = 1) -> str:
        """Who clicked, if at all, and left a page so many minutes later."""
        clicked = [minutes(self.click, 2 + apart, campaign="c1")] if click else []
        return await self.brand.send(self.brand.visitor(), *clicked, minutes(self.leave, 2, dwell_ms=dwell))


async def test_a_click_and_strictly_more_than_ten_seconds_earn_the_tags(brand: Brand) -> None:
    """A01."""
    ads = Advertising(brand)
    await ads.install()

    assert await brand.tags(await ads.visitor(10_001)) == {ads.campaign, ads.deep}
    assert await brand.tags(await ads.visitor(10_000)) == {ads.campaign}
    assert await brand.tags(await ads.visitor(10_001, click=False)) == set()
    # The dwell belongs to the click: not two hours later, and not before it.
    assert await brand.tags(await ads.visitor(10_001, apart=120)) == {ads.campaign}
    assert await brand.tags(await ads.visitor(10_001, apart=-1)) == {ads.campaign}


async def test_impression_click_and_view_are_one_timeline_and_one_report(brand: Brand) -> None:
    """A02."""
    shown, clicked, viewed = (brand.name(what) for what in ("ad.impression", "ad.click", "page.view"))
    who = brand.visitor()
    one_id = await brand.send(
        who,
        minutes(viewed, 1, campaign="c1", url="/serum"),
        minutes(shown, 3, campaign="c1"),
        minutes(clicked, 2, campaign="c1"),
    )
    await brand.send(brand.visitor(), minutes(shown, 3, campaign="c2"))

    told = (await brand.api(TIMELINE, id=one_id))["customer"]
    assert told["oneId"] == one_id
    assert [one["name"] for one in reversed(told["events"]["nodes"])] == [shown, clicked, viewed]
    assert {one["properties"]["campaign"] for one in told["events"]["nodes"]} == {"c1"}
    report = await brand.api(REPORT, shown=[shown], clicked=[clicked], viewed=[viewed])
    c1 = {"key": "c1", "events": 1, "customers": 1}
    assert report == {"shown": [c1, {**c1, "key": "c2"}], "clicked": [c1], "viewed": [c1]}


async def test_the_topics_of_views_are_weighed(brand: Brand) -> None:
    """A03: four views of 精油 and two of 面膜."""
    view, top, weights = brand.name("view"), brand.name("topInterest"), brand.name("interests")
    topics = {"event": {"name": view}, "property": "topic"}
    await brand.do(
        "defineAttribute",
        {"key": top, "type": "STRING", "computed": {**topics, "aggregate": "MOST_FREQUENT"}},
    )
    await brand.do(
        "defineAttribute", {"key": weights, "type": "LIST", "computed": {**topics, "aggregate": "SHARES"}}
    )
    topics_seen = ["精油", "面膜", "精油", "精油", "面膜", "精油"]
    one_id = await brand.send(
        brand.user(), *(minutes(view, 10 - n, topic=topic) for n, topic in enumerate(topics_seen))
    )

    held = (await brand.api(ATTRIBUTES, id=one_id, keys=[top, weights]))["customer"]["attributes"]

    assert {one["key"]: one["value"] for one in held} == {top: "精油", weights: ["精油=0.67", "面膜=0.33"]}
    assert {(one["source"], one["party"]) for one in held} == {("computed", "FIRST")}
    assert await brand.find({"attribute": {"key": top, "op": "EQ", "value": "精油"}}) == {one_id}


async def test_those_who_interact_deeply_are_the_audience_and_nobody_else(brand: Brand) -> None:
    """A04, as far as segments go: what advertisements and journeys follow is the feed of this segment."""
    ads = Advertising(brand)
    await ads.install()
    key = brand.name("deep")
    await brand.segment(key, {"tag": {"tag": ads.deep}})

    deep, shallow = await ads.visitor(10_001), await ads.visitor(10_000)

    assert await brand.find({"segment": key}) == {deep}
    assert [(kind, one_id) for kind, one_id, _ in await brand.moves(key)] == [("ENTERED", deep)]
    assert shallow not in await brand.find({"tag": {"tag": ads.deep}})
