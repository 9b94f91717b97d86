"""Semantics 15: attributes are as new as their events."""

from datetime import datetime, timedelta

from oneid.domain.messages import format_time
from tests.scenario import Fresh, Scenario
from tests.scenario_acts import merge, upsert

OLD, NEW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def city(scene: Scenario, names: str, value: str | None, at: str) -> dict[str, object]:
    return scene.event(names, traits={"city": value}, timestamp=at)


async def test_a_late_older_event_overwrites_nothing(fresh: Fresh) -> None:
    for order in ((("Xi'an", OLD), ("Wuhan", NEW)), (("Wuhan", NEW), ("Xi'an", OLD))):
        scene = fresh()
        await scene.send(*(city(scene, "u1", value, at) for value, at in order))
        assert (await scene.attributes("u1"))["city"] == "Wuhan"


async def test_of_equal_timestamps_the_later_processed_wins(scene: Scenario) -> None:
    await scene.send(city(scene, "u1", "Wuhan", OLD), city(scene, "u1", "Xi'an", OLD))
    assert await scene.attributes("u1") == {"city": "Xi'an"}


async def test_the_newest_wins_across_a_merge_whoever_survives(fresh: Fresh) -> None:
    for first, second in ((OLD, NEW), (NEW, OLD)):
        scene = fresh()
        await scene.send(city(scene, "u1", "Wuhan", first), city(scene, "c1", "Xi'an", second), "u1 c1")
        assert (await scene.attributes("u1"))["city"] == ("Xi'an" if second == NEW else "Wuhan")


async def test_the_newest_wins_across_an_operators_merge(scene: Scenario) -> None:
    await scene.send(city(scene, "u1", "Wuhan", NEW), city(scene, "u2", "Xi'an", OLD))
    await merge(scene, "u2", "u1")
    assert await scene.attributes("u1") == {"city": "Wuhan"}


async def test_unset_is_a_value_with_a_time(scene: Scenario) -> None:
    await scene.send(city(scene, "u1", "Wuhan", OLD))
    await upsert(scene, "u1", unset=["city"])
    assert await scene.attributes("u1") == {}
    await scene.send(city(scene, "u1", "Xi'an", NEW))
    assert await scene.attributes("u1") == {}


async def test_an_unset_holds_across_a_merge(scene: Scenario) -> None:
    await scene.send(city(scene, "c1", "Wuhan", NEW), "u1")
    await upsert(scene, "u1", unset=["city"])
    await scene.send("u1 c1")
    assert await scene.attributes("c1") == {}


async def test_a_time_far_ahead_is_the_time_of_arrival(scene: Scenario) -> None:
    now = datetime.fromisoformat((await scene.api("{ clock { now } }"))["clock"]["now"])
    await scene.send(city(scene, "u1", "Wuhan", format_time(now + timedelta(days=365))))
    await scene.send(city(scene, "u1", "Xi'an", format_time(now + timedelta(minutes=30))))
    assert await scene.attributes("u1") == {"city": "Xi'an"}
