"""Semantics 13 and 14: generic values, and consent."""

from tests.scenario import Fresh, Scenario, in_every_order

GENERIC = [{"type": "phone", "genericAfter": 2}]
CONSENT = {"context": {"consent": {"stitching": True}}}
REFUSAL = {"context": {"consent": {"stitching": False}}}


async def test_a_value_seen_with_too_many_users_links_nobody_any_more(scene: Scenario) -> None:
    await scene.rules(types=GENERIC)
    first, *_ = await scene.send("u1 p1", "a1 p1", "u2 p1", wait="INDEXED")
    assert await scene.partition() == {"a1 p1 u1", "u2"}
    await scene.send("u3 p1", wait="INDEXED")
    assert await scene.partition() == {"u1", "a1", "u2", "u3"}
    assert await scene.one_id("u1") == first
    assert await scene.send("p1") == [""]
    fourth = await scene.send("u4 p1", "u1 p1")
    assert fourth[1] == first
    assert await scene.partition() == {"u1", "a1", "u2", "u3", "u4"}
    assert await scene.decisions("m5") == ["BLOCKED - p1 (GENERIC)"]


async def test_exactly_n_are_not_too_many(scene: Scenario) -> None:
    await scene.rules(types=GENERIC)
    await scene.send("u1 p1", "u2 p1", "u1 p1", "a1 p1", "a2 p1", "a3 p1")
    assert await scene.partition() == {"a1 a2 a3 p1 u1", "u2"}


async def test_another_anchor_counts_other_values(scene: Scenario) -> None:
    await scene.rules(types=[{"type": "phone", "genericAfter": 2, "genericAnchor": "device_id"}])
    await scene.send("d1 p1", "d2 p1", wait="INDEXED")
    assert await scene.partition() == {"d1 d2 p1"}
    await scene.send("d3 p1", wait="INDEXED")
    assert await scene.partition() == {"d1", "d2", "d3"}


async def test_what_other_evidence_holds_together_stays_together(scene: Scenario) -> None:
    await scene.rules(types=[{"type": "phone", "genericAfter": 2, "genericAnchor": "device_id"}])
    await scene.send("d1 p1", "d2 p1", "d1 c1", "c1 d2", wait="INDEXED")
    await scene.send("d3 p1", wait="INDEXED")
    assert await scene.partition() == {"c1 d1 d2", "d3"}


async def test_a_batch_or_all_at_once_gives_what_one_by_one_does(fresh: Fresh, scene: Scenario) -> None:
    await scene.rules(types=[{"type": "phone", "genericAfter": 2, "genericAnchor": "device_id"}])
    told = ["d1 p1", "d2 p1", "d3 p1", "d1 u1", "d2 u2"]
    await scene.api.ingest(*(scene.event(text) for text in told))
    other = fresh()
    await other.send(*told)
    expected = {"d1 u1", "d2 u2", "d3"}
    assert (await scene.partition(), await other.partition()) == (expected, expected)
    third = fresh()
    await third.together(*told)
    assert await third.partition() == expected


async def test_without_consent_only_the_strongest_identifier_counts(scene: Scenario) -> None:
    await scene.rules(consentRequired=True)
    cookie, user, refused = await scene.send("a1", "u1 a1", scene.event("u1 a1", **REFUSAL))
    assert user == refused != cookie
    assert await scene.partition() == {"a1", "u1"}
    assert await scene.decisions("m2") == ["CREATED u1", "DEMOTED u1 - a1 (CONSENT)"]
    assert await scene.apart("u1", "a1") == "DEMOTED u1 - a1 (CONSENT)"


async def test_late_consent_links(scene: Scenario) -> None:
    await scene.rules(consentRequired=True)
    cookie, user = await scene.send("a1", "u1 a1")
    assert await scene.send(scene.event("u1 a1", **CONSENT)) == [cookie]
    assert await scene.one_id(user) == cookie
    assert await scene.partition() == {"a1 u1"}


async def test_only_true_is_consent(scene: Scenario) -> None:
    await scene.rules(consentRequired=True)
    for given in ("true", 1, None, {"yes": True}):
        await scene.send(scene.event("u1 a1", context={"consent": {"stitching": given}}))
    assert await scene.partition() == {"u1"}


async def test_consent_in_any_order(fresh: Fresh, scene: Scenario) -> None:
    await scene.rules(consentRequired=True)

    async def check(one: Scenario) -> None:
        assert await one.partition() == {"u1", "a1"}

    await in_every_order(fresh, ["u1 a1", "a1", "u1 d1"], check)
