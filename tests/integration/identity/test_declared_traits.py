"""Traits of declared attributes, at the last place where they can be checked."""

from oneid.bootstrap import attributes
from oneid.domain.catalog import AttributeType
from oneid.metrics import REFUSED_VALUES
from oneid.services.attributes import DefinitionChange
from tests.pipeline import Pipeline, event


def refused() -> float:
    (metric,) = REFUSED_VALUES.collect()
    return metric.samples[0].value


async def test_a_value_accepted_before_its_declaration_is_left_out_and_the_rest_is_kept(
    pipeline: Pipeline,
) -> None:
    """What is in the log already passed no check: the consumer's is the last one."""
    stores, before = pipeline.stores, refused()
    await pipeline.append(
        [event(kind="identify", user_id="u1", extra={"traits": {"age": "old", "city": "上海"}})]
    )
    service = attributes(stores)
    await service.define(DefinitionChange("age", AttributeType.NUMBER))

    await pipeline.drain()

    customer = await pipeline.customer(await pipeline.owner("user_id", "u1"))
    assert {key: held.value for key, held in customer.attributes.items()} == {"city": "上海"}
    assert refused() == before + 1
