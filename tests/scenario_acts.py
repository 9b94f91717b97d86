"""What operators do in a scenario."""

from typing import Any, Final

from tests.scenario import Scenario

MERGE: Final = """
mutation Merge($input: MergeCustomersInput!) {
  mergeCustomers(input: $input) { customer { oneId } userErrors { code field } }
}
"""
UNLINK: Final = """
mutation Unlink($input: UnlinkIdentifierInput!) {
  unlinkIdentifier(input: $input) { customer { oneId } userErrors { code field } }
}
"""
SPLIT: Final = """
mutation Split($input: SplitCustomerInput!) {
  splitCustomer(input: $input) { kept { oneId } splitOff { oneId } userErrors { code field } }
}
"""
ERASE: Final = """
mutation Erase($input: EraseCustomerInput!) {
  eraseCustomer(input: $input) { receiptId userErrors { code field } }
}
"""
UPSERT: Final = """
mutation Upsert($input: UpsertCustomerInput!) {
  upsertCustomer(input: $input) { customer { oneId version } created userErrors { code field } }
}
"""
REPROCESS: Final = """
mutation Start($input: ReprocessIdentitiesInput!) {
  reprocessIdentities(input: $input) { operation { id } userErrors { code field } }
}
"""


class Refused(Exception):
    """The mutation's first userError, as "CODE path.to.field"."""


def done(answer: dict[str, Any]) -> dict[str, Any]:
    """The payload. Raises Refused."""
    (payload,) = answer.values()
    if payload["userErrors"]:
        (error,) = payload.pop("userErrors")
        assert not any(payload.values()), payload
        raise Refused(f"{error['code']} {'.'.join(error['field'] or ())}".strip())
    found: dict[str, Any] = payload
    return found


async def merge(scene: Scenario, into: str, *others: str) -> str:
    """The ONE-ID that stayed."""
    given = {"into": scene.by(into), "from": [scene.by(other) for other in others], "reason": "same person"}
    one_id: str = done(await scene.api(MERGE, input=given))["customer"]["oneId"]
    return one_id


async def unlink(scene: Scenario, name: str) -> str:
    """The ONE-ID of the customer that it was taken off."""
    given = {"identifier": scene.names.lookup(name), "reason": "sold on"}
    one_id: str = done(await scene.api(UNLINK, input=given))["customer"]["oneId"]
    return one_id


async def split(scene: Scenario, customer: str, *names: str, sticky: bool = False) -> tuple[str, str]:
    """The ONE-IDs of the part that kept it and of the other one."""
    identifiers = [scene.names.lookup(name) for name in names]
    given = {"customer": scene.by(customer), "identifiers": identifiers, "sticky": sticky, "reason": "two"}
    payload = done(await scene.api(SPLIT, input=given))
    return payload["kept"]["oneId"], payload["splitOff"]["oneId"]


async def erase(scene: Scenario, customer: str, *, suppress: bool = False) -> str:
    """The receipt's id."""
    given = {"customer": scene.by(customer), "suppress": suppress}
    receipt: str = done(await scene.api(ERASE, input=given))["receiptId"]
    return receipt


async def upsert(scene: Scenario, names: str, **change: Any) -> str:
    """The customer's ONE-ID."""
    given = {"identifiers": [scene.names.lookup(name) for name in names.split()], **change}
    one_id: str = done(await scene.api(UPSERT, input=given))["customer"]["oneId"]
    return one_id


async def reprocess(scene: Scenario, *, dry_run: bool = False) -> dict[str, Any]:
    """What the operation says it did."""
    started = (await scene.api(REPROCESS, input={"dryRun": dry_run}))["reprocessIdentities"]
    assert started["userErrors"] == []
    node = await scene.api.ended(started["operation"]["id"])
    assert (node["status"], node["error"]) == ("COMPLETED", None)
    result: dict[str, Any] = node["result"]
    return result
