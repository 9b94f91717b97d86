"""Rules that name somebody who is erased: the value goes, and whoever they were true for they are still true for."""

from dataclasses import dataclass
from typing import Any

import pytest

from oneid.bootstrap import Stores
from tests.erasing import NOTHING, traces
from tests.graphql_api import UPSERT, Api, Fresh
from tests.integration.graphql.test_graphql_erasure import erase
from tests.integration.graphql.test_graphql_lifecycles import defined, stage
from tests.integration.graphql.test_graphql_segments import DEFINE, SEGMENT, created, in_it, members
from tests.integration.graphql.test_graphql_tags import created as tag

pytestmark = pytest.mark.usefixtures("consumer")

RULE = "query S($key: String) { segment(key: $key) { name version ruleJson } }"
EXPORT = """
mutation E($input: ExportSegmentInput!) { exportSegment(input: $input) { operation { id } userErrors { code } } }
"""


async def person(api: Api, mail: str, attribute: str, **more: str) -> str:
    identifiers = [{"type": kind, "value": value} for kind, value in {"email": mail, **more}.items()]
    answer = (await api(UPSERT, input={"identifiers": identifiers, "set": {attribute: f" {mail.upper()}"}}))[
        "upsertCustomer"
    ]
    assert answer["userErrors"] == []
    item = {"type": "track", "event": "Came", "context": {"externalIds": [{"type": "email", "id": mail}]}}
    (result,) = await api.ingest(item, wait="INDEXED")
    one_id: str = result["oneId"]
    return one_id


async def shown(api: Api, key: str) -> dict[str, Any]:
    found: dict[str, Any] = (await api(RULE, key=key))["segment"]
    return found


@dataclass(frozen=True)
class Scene:
    """Anna, who will be erased, and Bo; each has the own mailbox in the attribute `name`, in capitals."""

    name: str
    mail: str
    other: str
    anna: str
    bo: str

    @property
    def written(self) -> str:
        return f" {self.mail.upper()}"

    def has(self, op: str, value: Any = None) -> dict[str, Any]:
        return {"attribute": {"key": self.name, "op": op, "value": value}}

    def never(self) -> dict[str, Any]:
        """Both of them: nobody ever wrote to anybody."""
        where = [{"property": "to", "op": "IN", "value": [self.mail, self.other]}]
        return {"all": [{"not": {"event": {"name": self.name, "where": where}}}, self.has("EXISTS")]}


@pytest.fixture
async def scene(api: Api, fresh: Fresh, name: str) -> Scene:
    given = {"key": name, "type": "STRING"}
    assert (await api(DEFINE, input=given))["defineAttribute"]["userErrors"] == []
    mail, other = f"{fresh('anna')}@example.cn", f"{fresh('bo')}@example.cn"
    anna, bo = [await person(api, address, name) for address in (mail, other)]
    return Scene(name, mail, other, anna, bo)


async def test_segments_forget_the_person_and_have_the_same_members_but_for_her(
    api: Api, stores: Stores, scene: Scene
) -> None:
    capitals = f" {scene.other.upper()}"
    rules = {
        "is": scene.has("EQ", scene.written),
        "among": scene.has("IN", [scene.written, capitals]),
        "apart": {"all": [scene.has("NE", scene.written), scene.has("EXISTS")]},
        "never": scene.never(),
    }
    keys = {which: f"{scene.name}_{which}" for which in rules}
    before = {
        which: in_it(await created(api, keys[which], kind="DYNAMIC", rule=rule))
        for which, rule in rules.items()
    }
    anna, bo = scene.anna, scene.bo
    assert before == {"is": {anna}, "among": {anna, bo}, "apart": {bo}, "never": {anna, bo}}
    found = await traces(stores, scene.mail)
    assert (found["graph"], found["index"]) == ([scene.mail], [scene.mail])

    receipt = await erase(api, identifier={"type": "email", "value": scene.mail})

    assert await traces(stores, scene.mail) == NOTHING
    is_, among = await shown(api, keys["is"]), await shown(api, keys["among"])
    assert is_["ruleJson"] == scene.has("EQ", f"erased:{receipt}")
    assert among["ruleJson"] == scene.has("IN", [f"erased:{receipt}", capitals])
    assert (is_["version"], (await shown(api, keys["apart"]))["version"]) == (2, 2)
    after = {which: in_it((await api(SEGMENT, key=keys[which]))["segment"]) for which in rules}
    assert after == {"is": set(), "among": {bo}, "apart": {bo}, "never": {bo}}


async def test_tags_stages_and_what_is_to_be_exported_forget_the_person(
    api: Api, stores: Stores, scene: Scene
) -> None:
    equal, either = scene.has("EQ", scene.written), f"['{scene.mail}', \"{scene.written}\"]"
    ruled = await tag(api, f"{scene.name}_rule", rule=equal)
    scored = await tag(api, f"{scene.name}_cel", expression=f"attributes.{scene.name} in {either}")
    never = {"any": [equal, scene.never()]}
    await defined(api, scene.name, stage("one", scene.has("EXISTS")), stage("two", never))
    export = {"rule": scene.has("CONTAINS", scene.mail), "format": "CSV"}
    assert (await api(EXPORT, input=export))["exportSegment"]["userErrors"] == []
    in_stage = {"stage": {"lifecycle": scene.name, "stage": "two"}}
    assert await members(api, in_stage) == {scene.anna, scene.bo}
    for path in (ruled, scored):
        assert await members(api, {"tag": {"tag": path}}) == {scene.anna}

    await erase(api, identifier={"type": "email", "value": scene.mail})

    assert await traces(stores, scene.mail) == NOTHING
    assert await members(api, in_stage) == {scene.bo}
    for path in (ruled, scored):
        assert await members(api, {"tag": {"tag": path}}) == set()


async def test_rules_that_name_nobody_erased_are_left_as_they_are(api: Api, scene: Scene) -> None:
    rule = scene.has("EQ", scene.other)
    await created(api, scene.name, kind="DYNAMIC", rule=rule)

    await erase(api, identifier={"type": "email", "value": scene.mail})

    assert await shown(api, scene.name) == {"name": scene.name, "version": 1, "ruleJson": rule}
