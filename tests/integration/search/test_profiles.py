"""Customers are found by what names them, and their pages are exact in both directions."""

from dataclasses import replace
from typing import Any

import pytest

from oneid.errors import InvalidInput
from search import profiles as module
from search.documents import profile_document
from search.fingerprints import Fingerprint
from search.profiles import ProfileIndex
from search.segments.buckets import seed
from tests.integration.search.factories import customer

PEOPLE = [
    customer(
        "01JA", "user_id:u1", "phone:+8613800138000", "email:li.lei@example.com", sequence=1, name="李雷"
    ),
    customer("01JB", "user_id:u10", "email:han@example.com", sequence=2, firstName="梅梅", lastName="韩"),
    customer("01JC", "wechat_openid:wxA:oX-1", sequence=3, nickname="Ada Lovelace", former=("01J0", "01J1")),
    customer("01JD", "anonymous_id:a1", sequence=4, name="李梅"),
]


@pytest.fixture
async def people(profiles: ProfileIndex) -> ProfileIndex:
    assert await profiles.write(PEOPLE, ()) == {}
    await profiles.refresh()
    return profiles


@pytest.mark.parametrize(
    ("text", "keys", "found"),
    [
        ("u1", (), ["01JA"]),
        ("+8613800138000", (), ["01JA"]),
        ("138 0013 8000", ("phone:+8613800138000",), ["01JA"]),
        ("Li.Lei@Example.COM", (), ["01JA"]),
        ("李雷", (), ["01JA"]),
        ("李", (), ["01JD", "01JA"]),
        ("雷", (), ["01JA"]),
        ("梅", (), ["01JD", "01JB"]),
        ("韩梅梅", (), ["01JB"]),
        ("梅梅", (), ["01JB"]),
        ("雷李", (), []),
        ("ada", (), ["01JC"]),
        ("LOVELACE", (), ["01JC"]),
        ("ada lovelace", (), ["01JC"]),
        ("oX-1", (), []),
        ("wxA:oX-1", (), ["01JC"]),
        ("01JC", (), ["01JC"]),
        ("01J0", (), ["01JC"]),
        ("01j1", (), ["01JC"]),
        ("  u10  ", (), ["01JB"]),
        ("nobody", (), []),
        ("*", (), []),
        ('u1" OR "u10', (), []),
        ("x" * 40_000, (), []),
        ("", (), ["01JD", "01JC", "01JB", "01JA"]),
        (None, (), ["01JD", "01JC", "01JB", "01JA"]),
    ],
)
async def test_a_search_finds(
    people: ProfileIndex, text: str | None, keys: tuple[str, ...], found: list[str]
) -> None:
    page = await people.search(text, keys=keys)

    assert (page.nodes, page.total) == (found, len(found))


async def walk_forwards(profiles: ProfileIndex, size: int) -> list[list[str]]:
    pages: list[list[str]] = []
    after: str | None = None
    while True:
        page = await profiles.search(first=size, after=after)
        pages.append(page.nodes)
        assert page.has_previous == (after is not None)
        if not page.has_next:
            return pages
        after = page.edges[-1].cursor


async def walk_backwards(profiles: ProfileIndex, size: int) -> list[list[str]]:
    pages: list[list[str]] = []
    before: str | None = None
    while True:
        page = await profiles.search(last=size, before=before)
        pages.insert(0, page.nodes)
        assert page.has_next == (before is not None)
        if not page.has_previous:
            return pages
        before = page.edges[0].cursor


@pytest.mark.parametrize("size", [1, 2, 3, 4, 100])
async def test_walks_in_both_directions_give_the_whole_list(profiles: ProfileIndex, size: int) -> None:
    """Three customers share each sequence: what is drawn from the ONE-ID decides between them."""
    await profiles.write([customer(f"c{i:02}", sequence=2**62 + i // 3) for i in range(11)], ())
    await profiles.refresh()
    ids = (f"c{i:02}" for i in range(11))
    whole = sorted(ids, key=lambda one_id: (-(int(one_id[1:]) // 3), seed(one_id)))

    assert [one_id for page in await walk_forwards(profiles, size) for one_id in page] == whole
    assert [one_id for page in await walk_backwards(profiles, size) for one_id in page] == whole


async def test_a_page_after_the_end_is_empty_and_says_what_lies_before(people: ProfileIndex) -> None:
    last = (await people.search(first=4)).edges[-1].cursor

    page = await people.search(first=2, after=last)
    assert (page.nodes, page.has_next, page.has_previous, page.total) == ([], False, True, 4)
    page = await people.search(first=0)
    assert (page.nodes, page.has_next, page.has_previous, page.total) == ([], True, False, 4)


async def test_customers_added_behind_the_cursor_move_no_page(people: ProfileIndex) -> None:
    page = await people.search(first=2)
    await people.write([customer("01JE", sequence=5)], ())
    await people.refresh()

    assert (await people.search(first=2, after=page.edges[-1].cursor)).nodes == ["01JB", "01JA"]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"first": 1, "last": 1}, "last"),
        ({"first": 1, "before": "x"}, "before"),
        ({"last": 1, "after": "x"}, "after"),
        ({"first": 1, "after": "x"}, "after"),
        ({"last": 1, "before": "x"}, "before"),
    ],
)
async def test_arguments_that_do_not_go_together_are_refused(
    profiles: ProfileIndex, arguments: dict[str, str | int], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await profiles.search(**arguments)  # type: ignore[arg-type]

    assert caught.value.field == (field,)


async def test_an_older_version_never_replaces_a_newer_one(profiles: ProfileIndex) -> None:
    newer = customer("c1", "user_id:u2", version=5)
    await profiles.write([newer], ())
    there = await profiles.fingerprints(["c1", "absent"])

    assert await profiles.write([customer("c1", "user_id:u1", version=4)], [("c1", 3)]) == {}
    assert await profiles.fingerprints(["c1"]) == there

    repaired = replace(newer, former_one_ids=("c0",))
    await profiles.write([repaired], ())
    assert await profiles.fingerprints(["c1"]) == {"c1": Fingerprint(5, profile_document(repaired)["hash"])}


async def test_what_was_deleted_stays_deleted_when_a_late_write_arrives(profiles: ProfileIndex) -> None:
    await profiles.write([customer("c1", version=2)], ())
    await profiles.write((), [("c1", 3), ("never there", 1)])

    await profiles.write([customer("c1", version=2)], ())

    assert await profiles.fingerprints(["c1"]) == {}


async def test_attributes_of_any_shape_are_taken(profiles: ProfileIndex) -> None:
    shapes: dict[str, Any] = {
        "a.b": 1,
        "": [None, {"": "x" * 40_000}],
        "k" * 40_000: 1,
        "name": ["not a text"],
        "n": 10**30,
    }

    assert (
        await profiles.write([replace(customer("c1"), attributes=customer("c1", **shapes).attributes)], ())
        == {}
    )


async def test_among_many_it_is_counted_in_parts(
    profiles: ProfileIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_TERMS", 2)
    await profiles.write([customer(f"c{i}", sequence=i + 1) for i in range(9)], ())
    await profiles.refresh()
    queries: dict[str, dict[str, Any]] = {
        "low": {"range": {"sequence": {"lte": 4}}},
        "all": {"match_all": {}},
    }
    assert await profiles.counts(queries, [f"c{i}" for i in range(1, 12, 2)]) == {"low": 2, "all": 4}
