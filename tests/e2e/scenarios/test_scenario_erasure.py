"""Semantics 11: erase and suppress."""

import pytest

from tests.scenario import Scenario
from tests.scenario_acts import Refused, erase, merge, upsert

RECEIPT = "query Receipt($id: ID!) { erasure(receiptId: $id) { suppressed identifierHashes } }"


async def gone(scene: Scenario, *one_ids: str) -> None:
    """No name leads to anybody."""
    assert await scene.customers(*one_ids, *scene.names.used()) == [None] * (
        len(one_ids) + len(scene.names.used())
    )


@pytest.mark.parametrize("named", ["u1", "p1", "a1"])
async def test_any_identifier_is_enough_to_erase_and_nothing_is_left(scene: Scenario, named: str) -> None:
    first, second = await scene.send("u1 p1", "a1")
    await scene.send("u1 a1")
    await erase(scene, named)
    await gone(scene, first, second)
    assert [await scene.log(message=f"m{n}") for n in (1, 2, 3)] == [[], [], []]


async def test_an_old_one_id_is_enough_and_the_audit_keeps_hashes_only(scene: Scenario) -> None:
    first, second = await scene.send("u1", "p1")
    await merge(scene, "u1", "p1")
    receipt = await erase(scene, second)
    await gone(scene, first, second)
    (entry,) = await scene.log(one_id=first)
    assert (entry["kind"], entry["manual"], entry["messageId"]) == ("ERASED", True, None)
    for secret in (first, second, scene.names.value("u1"), scene.names.value("p1")):
        assert secret not in str(entry)
    held = (await scene.api(RECEIPT, id=receipt))["erasure"]
    assert (held["suppressed"], len(held["identifierHashes"])) == (False, 2)
    with pytest.raises(Refused, match=r"^NOT_FOUND customer$"):
        await erase(scene, first)


async def test_the_ids_may_come_back_as_a_new_customer(scene: Scenario) -> None:
    first = scene.event("u1 p1", traits={"name": "Anna"})
    (old,) = await scene.send(first)
    await erase(scene, "u1")
    new, again = await scene.send("u1", "p1")
    assert old not in (new, again)
    assert new != again
    assert await scene.partition() == {"u1", "p1"}
    assert await scene.attributes("u1") == {}
    assert await scene.one_id(old) == ""
    result = await scene.result(first)
    assert (result["status"], result["oneId"]) == ("DUPLICATE", None)


async def test_suppressed_identifiers_drop_whole_events(scene: Scenario) -> None:
    (old,) = await scene.send("u1 p1")
    await erase(scene, "u1", suppress=True)
    assert await scene.send("u1", "p1", "u1 a1", "u2 p1") == [""] * 4
    await gone(scene, old)
    late = scene.event("u1", timestamp="2020-01-01T00:00:00Z")
    assert await scene.send(late, "a1", "u2") != [""] * 3
    assert await scene.partition() == {"a1", "u2"}
    with pytest.raises(Refused, match=r"^INVALID identifiers\.0$"):
        await upsert(scene, "u1")


async def test_others_keep_what_is_theirs(scene: Scenario) -> None:
    _, other = await scene.send("u1 d1", "u2 d1", wait="INDEXED")
    await erase(scene, "u1")
    assert await scene.partition() == {"u2"}
    assert await scene.events(other) == ["m2"]
    assert await scene.one_id("u2") == other


async def test_erasing_nobody_is_refused(scene: Scenario) -> None:
    await scene.send("u1")
    for name in ("a1", "nobody"):
        with pytest.raises(Refused, match=r"^NOT_FOUND customer$"):
            await erase(scene, name)
    assert await scene.partition() == {"u1"}
