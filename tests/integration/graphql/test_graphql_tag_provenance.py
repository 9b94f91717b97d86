"""Who or what gave a tag, and since when, over GraphQL: also where a rule, a model or an expression did."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.graphql_api import Api, Fresh
from tests.integration.graphql.test_graphql_segments import DEFINE
from tests.integration.graphql.test_graphql_tags import ADVANCE, UPDATE, created, worth

pytestmark = pytest.mark.usefixtures("consumer")

PROVENANCE = """
query P($id: String!) {
  clock { now } customer(by: { oneId: $id }) { tags { tag { path } source assignedAt } }
}
"""


def above(key: str, least: int) -> dict[str, Any]:
    return {"attribute": {"key": key, "op": "GTE", "value": least}}


async def told(api: Api, one_id: str) -> dict[str, tuple[str, timedelta | None]]:
    """By path of a tag what gave it, and for how many whole days the customer has had it."""
    answer = await api(PROVENANCE, id=one_id)
    now = datetime.fromisoformat(answer["clock"]["now"])

    def age(at: str | None) -> timedelta | None:
        return timedelta(days=(now - datetime.fromisoformat(at)).days) if at else None

    return {one["tag"]["path"]: (one["source"], age(one["assignedAt"])) for one in answer["customer"]["tags"]}


async def test_a_rule_tells_its_version_and_since_when_it_has_been_true(
    api: Api, fresh: Fresh, name: str
) -> None:
    await api(DEFINE, input={"key": name, "type": "NUMBER"})
    tag, user = await created(api, name, rule=above(name, 10)), fresh("u")
    one_id = await worth(api, user, **{name: 12})
    assert await told(api, one_id) == {tag: ("rule@1", timedelta(0))}

    await api(ADVANCE, by="P1D")
    await worth(api, user, **{name: 13})
    assert await told(api, one_id) == {tag: ("rule@1", timedelta(days=1))}, "it was true all the time"

    await worth(api, user, **{name: 9})
    await api(ADVANCE, by="P1D")
    await worth(api, user, **{name: 14})
    assert await told(api, one_id) == {tag: ("rule@1", timedelta(0))}, "it was false in between"


async def test_whom_a_changed_rule_is_true_for_has_the_tag_since_then_and_others_as_before(
    api: Api, fresh: Fresh, name: str
) -> None:
    await api(DEFINE, input={"key": name, "type": "NUMBER"})
    tag = await created(api, name, rule=above(name, 10))
    one_id, other = [await worth(api, fresh("u"), **{name: value}) for value in (12, 8)]

    await api(ADVANCE, by="P1D")
    await api(UPDATE, input={"tag": tag, "rule": above(name, 7)})

    assert await told(api, one_id) == {tag: ("rule@2", timedelta(days=1))}
    assert await told(api, other) == {tag: ("rule@2", timedelta(0))}


async def test_models_and_expressions_tell_their_version_but_not_since_when(
    api: Api, fresh: Fresh, name: str
) -> None:
    await api(DEFINE, input={"key": name, "type": "NUMBER"})
    model = {"definition": {"kind": "LOGISTIC", "intercept": -5, "coefficients": {name: 1}}, "least": 0.5}
    scored = await created(api, f"{name}-m", model=model)
    expressed = await created(api, f"{name}-e", expression=f"has(attributes.{name})")
    one_id = await worth(api, fresh("u"), **{name: 12})
    assert await told(api, one_id) == {scored: ("model@1", None), expressed: ("expression@1", None)}

    await api(UPDATE, input={"tag": scored, "model": {**model, "least": 0.6}})

    assert await told(api, one_id) == {scored: ("model@2", None), expressed: ("expression@1", None)}
