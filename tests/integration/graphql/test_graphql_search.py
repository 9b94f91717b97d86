"""Searching customers and walking through pages of them."""

from typing import Any

import pytest

from tests.graphql_api import Api, Fresh

pytestmark = pytest.mark.usefixtures("consumer")

SEARCH = """
query Search($search: String, $first: Int, $after: String, $last: Int, $before: String) {
  customers(search: $search, first: $first, after: $after, last: $last, before: $before) {
    totalCount
    edges { cursor node { oneId } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


async def found(api: Api, **given: Any) -> list[str]:
    page = (await api(SEARCH, **given))["customers"]
    return [edge["node"]["oneId"] for edge in page["edges"]]


async def test_people_are_found_by_whatever_somebody_types(api: Api, fresh: Fresh, phone: str) -> None:
    email, user, family = f"{fresh('Anna')}@X.cn", fresh("u"), fresh("zzfamily").replace("-", "")
    traits = {"phone": phone, "email": email, "name": f"Anna {family}"}
    (result,) = await api.ingest({"type": "identify", "userId": user, "traits": traits}, wait="INDEXED")
    spaced = f"{phone[:3]} {phone[3:7]} {phone[7:]}"
    for text in (phone, spaced, f"+86{phone}", email, email.upper(), user, family, result["oneId"]):
        assert await found(api, search=text) == [result["oneId"]], text


async def test_a_chinese_name_is_found(api: Api, fresh: Fresh) -> None:
    rare = "龘" + "".join(chr(0x4E00 + ord(c) * 13 % 20000) for c in fresh("x")[-6:])
    (result,) = await api.ingest(
        {"type": "identify", "userId": fresh("u"), "traits": {"name": rare}}, wait="INDEXED"
    )
    assert await found(api, search=rare) == [result["oneId"]]


async def test_nobody_is_found_by_what_nobody_has(api: Api, fresh: Fresh) -> None:
    page = (await api(SEARCH, search=fresh("nobody")))["customers"]
    assert page == {
        "totalCount": 0,
        "edges": [],
        "pageInfo": {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }


async def test_walks_forwards_and_backwards_see_the_same_list(api: Api, fresh: Fresh) -> None:
    family = fresh("zzwalk").replace("-", "")
    users = [
        {"type": "identify", "userId": fresh("u"), "traits": {"name": f"P{n} {family}"}} for n in range(7)
    ]
    made = [result["oneId"] for result in await api.ingest(*users, wait="INDEXED")]
    forwards, after = list[str](), None
    while True:
        page = (await api(SEARCH, search=family, first=3, after=after))["customers"]
        forwards += [edge["node"]["oneId"] for edge in page["edges"]]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    backwards, before = list[str](), None
    while True:
        page = (await api(SEARCH, search=family, last=3, before=before))["customers"]
        backwards = [edge["node"]["oneId"] for edge in page["edges"]] + backwards
        before = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert forwards == backwards == list(reversed(made))
    assert page["totalCount"] == 7


async def test_new_customers_do_not_shift_the_next_page(api: Api, fresh: Fresh) -> None:
    family = fresh("zzshift").replace("-", "")

    async def make(count: int) -> list[str]:
        people = [
            {"type": "identify", "userId": fresh("u"), "traits": {"name": f"P {family}"}}
            for _ in range(count)
        ]
        return [result["oneId"] for result in await api.ingest(*people, wait="INDEXED")]

    made = await make(4)
    first = (await api(SEARCH, search=family, first=2))["customers"]
    await make(2)
    rest = await found(api, search=family, first=10, after=first["pageInfo"]["endCursor"])
    assert [edge["node"]["oneId"] for edge in first["edges"]] + rest == list(reversed(made))


@pytest.mark.parametrize(
    "given",
    [
        {"first": 0},
        {"first": 101},
        {"last": 0},
        {"first": 1, "last": 1},
        {"after": "x"},
        {"last": 1, "before": "x"},
        {"first": 1, "before": "WyJjdXN0b21lciIsMSwiYSJd"},
    ],
)
async def test_page_arguments_that_make_no_sense_are_refused(api: Api, given: dict[str, Any]) -> None:
    assert await api.code(SEARCH, **given) == "BAD_USER_INPUT"


async def test_a_merged_customer_is_found_once_under_either_name(api: Api, fresh: Fresh) -> None:
    cookie, user = fresh("a"), fresh("u")
    await api.ingest(
        {"type": "page", "anonymousId": cookie}, {"type": "identify", "userId": user}, wait="INDEXED"
    )
    (result,) = await api.ingest({"type": "identify", "anonymousId": cookie, "userId": user}, wait="INDEXED")
    assert await found(api, search=cookie) == [result["oneId"]]
    assert await found(api, search=user) == [result["oneId"]]
