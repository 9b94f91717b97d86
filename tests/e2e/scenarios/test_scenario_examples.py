"""The examples of the specification, one by one."""

from tests.scenario import Fresh, Scenario, in_every_order
from tests.scenario_acts import unlink


async def test_a_visitor_who_logs_in_stays_the_customer_of_the_first_page(scene: Scenario) -> None:
    first, second, third = await scene.send("a1", "a1 u1", "u1")
    assert first == second == third
    assert await scene.partition() == {"a1 u1"}
    assert await scene.decisions("m1") == ["CREATED a1"]
    assert await scene.decisions("m2") == ["ADDED a1 u1"]
    assert await scene.decisions("m3") == []


async def test_two_devices_meet_in_one_login(scene: Scenario) -> None:
    first, second, third, fourth = await scene.send("a1 d1", "a1 d1 u1", "a2 d2", "a2 d2 u1")
    assert await scene.partition() == {"a1 a2 d1 d2 u1"}
    assert (first, second, fourth) == (first, first, first)
    assert third != first
    assert await scene.one_id(third) == first
    customer = await scene.customer("u1")
    assert customer
    assert customer["formerOneIds"] == [third]
    (merged,) = await scene.log(message="m4")
    assert (merged["oneId"], merged["mergedOneIds"]) == (first, [third])


async def test_two_devices_meet_in_one_login_in_any_order(fresh: Fresh) -> None:
    async def check(scene: Scenario) -> None:
        assert await scene.partition() == {"a1 a2 d1 d2 u1"}

    await in_every_order(fresh, ["a1 d1", "a1 d1 u1", "a2 d2", "a2 d2 u1"], check)


async def test_two_users_with_one_mailbox_are_two(scene: Scenario) -> None:
    first, second = await scene.send("u1 e1", "u2 e1")
    assert first != second
    assert await scene.partition() == {"e1 u1", "u2"}
    assert await scene.decisions("m1") == ["CREATED e1 u1"]
    assert await scene.decisions("m2") == ["CREATED u2", "DEMOTED u2 - e1 (LIMIT)"]


async def test_a_zero_user_joins_nobody(scene: Scenario) -> None:
    first, second = await scene.send(scene.event("a1", userId="00000"), scene.event("a2", userId="00000"))
    assert first != second
    assert await scene.partition() == {"a1", "a2"}
    for message, cookie in (("m1", "a1"), ("m2", "a2")):
        assert f"BLOCKED {cookie} - user_id:00000 (BLOCKED)" in await scene.decisions(message)


async def test_a_phone_is_one_however_it_is_written(scene: Scenario) -> None:
    digits = scene.names.value("p1")[3:]
    spaced = f"+86 {digits[:3]}-{digits[3:7]}-{digits[7:]}"
    events = [
        scene.event("u1", traits={"phone": spaced}),
        scene.event("a1", traits={"phone": digits}),
        scene.event("d1", traits={"phone": f"0086{digits}"}),
    ]
    assert len(set(await scene.send(*events))) == 1
    assert await scene.partition() == {"a1 d1 p1 u1"}


async def test_two_openids_meet_in_a_unionid(scene: Scenario) -> None:
    first, second, third, fourth = await scene.send("o1", "o2", "o1 n1", "o2 n1")
    assert (third, fourth) == (first, first)
    assert second != first
    assert await scene.one_id(second) == first
    assert await scene.partition() == {"n1 o1 o2"}


async def test_two_openids_meet_in_any_order(fresh: Fresh) -> None:
    async def check(scene: Scenario) -> None:
        assert await scene.partition() == {"n1 o1 o2"}

    await in_every_order(fresh, ["o1", "o2", "o1 n1", "o2 n1"], check)


async def test_two_unionids_with_one_phone_are_two(scene: Scenario) -> None:
    first, second = await scene.send("n1 p1", "n2 p1")
    assert first != second
    assert await scene.partition() == {"n1 p1", "n2"}


async def test_a_phone_that_was_taken_off_is_the_next_ones(scene: Scenario) -> None:
    (first,) = await scene.send("u1 p1", wait="INDEXED")
    assert await unlink(scene, "p1") == first
    second, third = await scene.send("u2 p1", "p1", wait="INDEXED")
    assert third == second != first
    assert await scene.partition() == {"u1", "p1 u2"}
    assert await scene.events("u1") == ["m1"]
    assert await scene.events("u2") == ["m2", "m3"]
