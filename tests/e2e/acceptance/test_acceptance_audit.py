"""A41: what data there is to begin with."""

import random
from collections.abc import Callable
from typing import Any

from tests.acceptance import Brand, event

AUDIT = """
query Audit($purpose: String) {
  dataAudit(purpose: $purpose) {
    asOf customers identified events mergeProposals
    attributes { key declared customers share parties { party customers } }
    identifiers { type customers share }
    channels { channel having withdrawn granted reachable share }
    sharedAttributes { key values customers complete }
  }
}
"""
PURPOSE = "newsletter"


async def audited(brand: Brand) -> dict[str, Any]:
    found: dict[str, Any] = (await brand.api(AUDIT, purpose=PURPOSE))["dataAudit"]
    return found


class Person:
    """Somebody with some of everything."""

    def __init__(self, brand: Brand, chance: random.Random, number: int) -> None:
        run = brand.run
        self.user = brand.user()
        self.identifiers = {
            kind: f"{run}-{number}" for kind in ("wechat_openid", "member_card") if chance.random() < 0.5
        }
        self.attributes = {
            key: value
            for key, value in {
                "email": f"{chance.choice('abcd')}@{run}.example".swapcase()
                if chance.random() < 0.5
                else None,
                brand.name("city"): chance.choice(["上海", None]),
                brand.name("home.town"): chance.choice([1, None]),
                brand.name("undeclared"): chance.choice([{"a": 1, "b": [2]}, None]),
            }.items()
            if value is not None
        }
        self.party = chance.choice(["FIRST", "SECOND", "THIRD"])
        self.consents = [
            (channel, chance.choice(["GRANTED", "WITHDRAWN"]))
            for channel in chance.choices(["wechat", "all", "email"], k=chance.randrange(3))
        ]

    async def come(self, brand: Brand) -> None:
        """Written and indexed."""
        given = [{"type": "user_id", "value": self.user["userId"]}]
        given += [{"type": kind, "value": value} for kind, value in self.identifiers.items()]
        wanted = {"identifiers": given, "set": self.attributes, "party": self.party}
        await brand.do("upsertCustomer", wanted)
        customer = {"identifier": given[0]}
        for channel, state in self.consents:
            told = {"customer": customer, "channel": channel, "purpose": PURPOSE, "state": state}
            await brand.do("setConsent", {**told, "evidence": "form"})
        await brand.send(self.user, event("Came"))

    def stands(self, channel: str) -> str | None:
        """What was said last of a channel or of all."""
        said = [state for told, state in self.consents if told in (channel, "all")]
        return said[-1] if said else None


async def test_the_audit_counts_what_brute_force_counts(brand: Brand) -> None:
    """A41, as the difference that two dozen random people make."""
    chance = random.Random(41)
    city, undeclared = brand.name("city"), brand.name("undeclared")
    await brand.do("defineAttribute", {"key": city, "type": "STRING"})
    people = [Person(brand, chance, number) for number in range(24)]
    before = await audited(brand)
    for person in people:
        await person.come(brand)
    await brand.send(brand.visitor(), event("Came"))

    after = await audited(brand)

    def grown(*path: str | tuple[str, str]) -> int:
        return int(at(after, path) - at(before, path))

    assert grown("customers") == len(people) + 1
    assert grown("identified") == len(people)
    assert grown("events") == len(people) + 1
    for key in (city, undeclared):
        having = [person for person in people if key in person.attributes]
        assert grown("attributes", ("key", key), "customers") == len(having)
    covered = next(one for one in after["attributes"] if one["key"] == city)
    assert covered["declared"]
    assert covered["share"] == covered["customers"] / after["customers"]
    assert {one["party"]: one["customers"] for one in covered["parties"]} == {
        party: sum(city in p.attributes and p.party == party for p in people)
        for party in ("FIRST", "SECOND", "THIRD")
    }
    assert not next(one for one in after["attributes"] if one["key"] == undeclared)["declared"]
    # What has a dot in its name counts for what stands before it.
    assert grown("attributes", ("key", "home"), "customers") == sum(
        any(key.startswith("home.") for key in p.attributes) for p in people
    )
    for kind in ("wechat_openid", "member_card"):
        assert grown("identifiers", ("type", kind), "customers") == sum(kind in p.identifiers for p in people)
    check_channels(grown, people)
    check_shared_emails(grown, people)
    assert after["mergeProposals"] == before["mergeProposals"]


def check_shared_emails(grown: Callable[..., int], people: list[Person]) -> None:
    emails = [str(p.attributes["email"]).lower() for p in people if "email" in p.attributes]
    shared = {email for email in emails if emails.count(email) > 1}
    assert grown("sharedAttributes", ("key", "email"), "values") == len(shared) > 1
    assert grown("sharedAttributes", ("key", "email"), "customers") == sum(e in shared for e in emails)


def check_channels(grown: Callable[..., int], people: list[Person]) -> None:
    having = [person for person in people if "wechat_openid" in person.identifiers]
    stands = [person.stands("wechat") for person in having]
    wechat = {
        name: grown("channels", ("channel", "wechat"), name) for name in ("having", "withdrawn", "granted")
    }
    assert wechat == {
        "having": len(having),
        "withdrawn": stands.count("WITHDRAWN"),
        "granted": stands.count("GRANTED"),
    }
    assert grown("channels", ("channel", "wechat"), "reachable") == len(having) - stands.count("WITHDRAWN")


def at(found: Any, path: tuple[str | tuple[str, str], ...]) -> Any:
    """A number in the answer; of a list by what an entry says of itself, 0 without such an entry."""
    for step in path:
        if isinstance(step, str):
            found = found[step]
            continue
        field, value = step
        found = next((one for one in found if one[field] == value), None)
        if found is None:
            return 0
    return found


async def test_a_purpose_that_is_none_is_refused(brand: Brand) -> None:
    (error,) = await brand.api.errors(AUDIT, purpose="no purpose")

    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", ["purpose"])
