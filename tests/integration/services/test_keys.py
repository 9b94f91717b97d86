"""API keys on a real graph: made once, stored as hashes, refused in time."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from graph.client import Graph
from graph.keys import ApiKeys
from oneid.clock import SystemClock
from oneid.domain.keys import SCOPES, ApiKey, KeyKind
from oneid.errors import InvalidInput, NotFound, Required, Retriable, Throttled, Unauthenticated
from oneid.services import keys as module
from oneid.services.keys import KeyService


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture
def repository(graph: Graph, clean: None) -> ApiKeys:
    return ApiKeys(graph)


@pytest.fixture
def keys(repository: ApiKeys, clock: SystemClock) -> KeyService:
    return KeyService(repository, clock, "live")


class Counting(ApiKeys):
    """Counts the reads; can be cut off from its graph."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.reads = 0
        self.down = False

    async def get(self, key_id: str) -> ApiKey | None:
        self.reads += 1
        if self.down:
            raise Retriable("the identity graph is not available")
        return await super().get(key_id)


async def test_a_new_key_opens_what_its_kind_opens(keys: KeyService) -> None:
    secret = await keys.create("admin", KeyKind.SECRET, {"admin", "pii:read"})
    write = await keys.create("web", KeyKind.WRITE)
    actor = await keys.authenticate_secret(secret)
    assert (actor.name, actor.scopes) == ("admin", frozenset({"admin", "pii:read"}))
    actor = await keys.authenticate_write(write)
    assert (actor.name, actor.scopes) == ("web", frozenset({"ingest:write"}))
    with pytest.raises(Unauthenticated):
        await keys.authenticate_write(secret)
    with pytest.raises(Unauthenticated):
        await keys.authenticate_secret(write)


async def test_no_store_holds_a_key_in_plain_text(keys: KeyService, graph: Graph) -> None:
    secret = await keys.create("admin", KeyKind.SECRET, SCOPES)
    (row,) = await graph.read("test.keys", "MATCH (k:ApiKey) RETURN properties(k) AS all")
    assert secret.split("_")[3] not in repr(row)
    assert secret.split("_")[2] == row["all"]["id"]


async def test_an_altered_key_is_refused(keys: KeyService) -> None:
    secret = await keys.create("admin", KeyKind.SECRET, {"admin"})
    for altered in (secret[:-1], secret[:-1] + "x", secret + "0", secret.upper(), " " + secret):
        with pytest.raises(Unauthenticated):
            await keys.authenticate_secret(altered)


async def test_a_right_id_with_a_wrong_secret_is_refused(keys: KeyService) -> None:
    secret = await keys.create("admin", KeyKind.SECRET, {"admin"})
    head = secret.rpartition("_")[0]
    with pytest.raises(Unauthenticated):
        await keys.authenticate_secret(f"{head}_{'0' * 64}")


async def test_a_revoked_key_is_refused_at_once_here_and_within_5_s_elsewhere(
    keys: KeyService, repository: ApiKeys, clock: SystemClock
) -> None:
    elsewhere = KeyService(repository, clock, "live")
    secret = await keys.create("admin", KeyKind.SECRET, {"admin"})
    actor = await elsewhere.authenticate_secret(secret)
    assert (await keys.revoke(actor.id)).revoked_at
    with pytest.raises(Unauthenticated):
        await keys.authenticate_secret(secret)
    for _ in range(50):
        if not await is_accepted(elsewhere, secret):
            return
        await asyncio.sleep(0.1)
    pytest.fail("still accepted after 5 s")


async def is_accepted(keys: KeyService, secret: str) -> bool:
    try:
        await keys.authenticate_secret(secret)
    except Unauthenticated:
        return False
    return True


async def test_a_revoked_key_stays_revoked_when_it_is_ensured_again(keys: KeyService) -> None:
    sandbox = keys
    secret = await keys.create("admin", KeyKind.SECRET, {"admin"})
    actor = await keys.authenticate_secret(secret)
    await keys.revoke(actor.id)
    await sandbox.ensure(secret, "admin", KeyKind.SECRET, {"admin"})
    with pytest.raises(Unauthenticated):
        await keys.authenticate_secret(secret)


async def test_a_key_ends_when_its_time_is_up(keys: KeyService, clock: SystemClock) -> None:
    secret = await keys.create("admin", KeyKind.SECRET, {"admin"}, timedelta(days=90))
    await keys.authenticate_secret(secret)
    clock.offset = timedelta(days=90, seconds=1)
    with pytest.raises(Unauthenticated):
        await keys.authenticate_secret(secret)


async def test_a_fixed_key_may_be_any_text_in_a_sandbox_and_in_no_live_deployment(
    repository: ApiKeys, clock: SystemClock
) -> None:
    sandbox, live = KeyService(repository, clock, "sandbox"), KeyService(repository, clock, "live")
    for _ in range(2):
        await sandbox.ensure("WK", "web", KeyKind.WRITE)
    assert (await sandbox.authenticate_write("WK")).name == "web"
    assert len(await sandbox.list()) == 1
    with pytest.raises(Unauthenticated):
        await live.authenticate_write("WK")


async def test_a_sandboxs_key_is_refused_in_a_live_deployment_without_a_look(
    graph: Graph, clean: None, clock: SystemClock
) -> None:
    sandbox, repository = KeyService(ApiKeys(graph), clock, "sandbox"), Counting(graph)
    live = KeyService(repository, clock, "live")
    secret = await sandbox.create("admin", KeyKind.SECRET, SCOPES)
    assert (await sandbox.authenticate_secret(secret)).scopes == SCOPES
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await live.authenticate_secret(secret)
    assert repository.reads == 0


async def test_keys_of_a_name_are_replaced_until_they_are_ensured_again(keys: KeyService) -> None:
    texts = [await keys.create(name, KeyKind.WRITE) for name in ("web", "web", "shop")]
    await keys.replace(["web"], [texts[1]])
    assert [await outcome(keys, text) for text in texts] == [Unauthenticated, None, None]
    assert [key.revoked_at is None for key in await keys.list() if key.name == "web"].count(False) == 1
    await keys.ensure(texts[0], "web", KeyKind.WRITE)
    assert await outcome(keys, texts[0]) is None


async def test_keys_are_listed_oldest_first_with_their_last_use(keys: KeyService) -> None:
    first = await keys.create("first", KeyKind.WRITE)
    await asyncio.sleep(0.002)
    await keys.create("second", KeyKind.PUBLISHABLE)
    await keys.authenticate_write(first)
    await keys.close()
    one, two = await keys.list()
    assert (one.name, two.name) == ("first", "second")
    assert one.last_used_at is not None
    assert two.last_used_at is None


async def test_a_use_is_noted_once_a_minute(graph: Graph, clean: None, clock: SystemClock) -> None:
    repository = ApiKeys(graph)
    text = await KeyService(repository, clock, "live").create("web", KeyKind.WRITE)
    noted: list[str | None] = []
    for minutes in (0, 0.5, 1.1):
        clock.offset = timedelta(minutes=minutes)
        fresh = KeyService(repository, clock, "live")
        await fresh.authenticate_write(text)
        await fresh.close()
        noted.append((await fresh.list())[0].last_used_at)
    assert noted[0] == noted[1] != noted[2]


@pytest.mark.parametrize(
    ("name", "kind", "scopes", "error"),
    [
        ("", KeyKind.WRITE, (), Required),
        ("x", KeyKind.SECRET, (), Required),
        ("x", KeyKind.SECRET, ("root",), InvalidInput),
        ("x", KeyKind.WRITE, ("admin",), InvalidInput),
        ("x", KeyKind.PUBLISHABLE, ("ingest:write",), InvalidInput),
    ],
)
async def test_a_key_that_makes_no_sense_is_not_made(
    keys: KeyService, name: str, kind: KeyKind, scopes: tuple[str, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await keys.create(name, kind, scopes)
    assert await keys.list() == []


async def test_revoking_nothing_is_an_error(keys: KeyService) -> None:
    with pytest.raises(NotFound):
        await keys.revoke("0" * 16)


async def test_a_known_key_is_read_once_for_many_callers(
    graph: Graph, clean: None, clock: SystemClock
) -> None:
    repository = Counting(graph)
    keys = KeyService(repository, clock, "live")
    text = await keys.create("web", KeyKind.WRITE)
    await asyncio.gather(*(keys.authenticate_write(text) for _ in range(100)))
    assert repository.reads == 1


async def test_guessing_keys_is_throttled_and_known_keys_are_not(
    repository: ApiKeys, clock: SystemClock
) -> None:
    keys = KeyService(repository, clock, "sandbox", lookups_per_second=5)
    await keys.ensure("WK", "web", KeyKind.WRITE)
    await keys.authenticate_write("WK")
    for guess in range(9):
        with pytest.raises(Unauthenticated):
            await keys.authenticate_write(f"guess {guess}")
    with pytest.raises(Throttled) as caught:
        await guess_until_throttled(keys)
    assert 0 < caught.value.retry_after <= 0.2
    await keys.authenticate_write("WK")


async def test_the_same_guess_again_is_throttled_like_a_new_one(
    graph: Graph, clean: None, clock: SystemClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    repository = Counting(graph)
    keys = KeyService(repository, clock, "sandbox", lookups_per_second=1)
    for guess in ("one", "two"):
        with pytest.raises(Unauthenticated):
            await keys.authenticate_write(guess)
    now += module.FRESH_SECONDS
    outcomes = [await outcome(keys, guess) for guess in ("one", "two", "one", "two")]
    assert outcomes.count(Throttled) == 3
    await keys.close()
    assert repository.reads == 3


async def outcome(keys: KeyService, text: str) -> type[Exception] | None:
    try:
        await keys.authenticate_write(text)
    except (Unauthenticated, Throttled) as error:
        return type(error)
    return None


async def test_guesses_do_not_drive_valid_keys_out_of_memory(
    graph: Graph, clean: None, clock: SystemClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_UNKNOWN", 5)
    monkeypatch.setattr(module, "monotonic", lambda: 1000.0)
    repository = Counting(graph)
    keys = KeyService(repository, clock, "sandbox")
    text = await keys.create("web", KeyKind.WRITE)
    await keys.authenticate_write(text)
    for guess in range(20):
        assert await outcome(keys, f"guess {guess}") is Unauthenticated
    repository.down = True
    await keys.authenticate_write(text)
    assert repository.reads == 21


async def test_revoking_one_key_leaves_the_others_in_memory(
    graph: Graph, clean: None, clock: SystemClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "monotonic", lambda: 1000.0)
    repository = Counting(graph)
    keys = KeyService(repository, clock, "live")
    texts = [await keys.create(name, KeyKind.WRITE) for name in ("web", "shop")]
    actors = [await keys.authenticate_write(text) for text in texts]
    await keys.revoke(actors[0].id)
    assert [await outcome(keys, text) for text in texts] == [Unauthenticated, None]
    assert repository.reads == 3


async def guess_until_throttled(keys: KeyService) -> None:
    for guess in range(100):
        with suppress(Unauthenticated):
            await keys.authenticate_write(f"another guess {guess}")


async def test_a_known_write_key_survives_an_outage_of_the_graph_and_a_secret_key_does_not(
    graph: Graph, clean: None, clock: SystemClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    repository = Counting(graph)
    keys = KeyService(repository, clock, "live")
    write = await keys.create("web", KeyKind.WRITE)
    secret = await keys.create("admin", KeyKind.SECRET, {"admin"})
    await keys.authenticate_write(write)
    await keys.authenticate_secret(secret)
    repository.down = True
    now += module.OUTAGE_SECONDS - 1
    await keys.authenticate_write(write)
    with pytest.raises(Retriable):
        await keys.authenticate_secret(secret)
    now += 1
    with pytest.raises(Retriable):
        await keys.authenticate_write(write)


async def test_times_are_stored_in_the_one_stored_form(keys: KeyService) -> None:
    await keys.create("web", KeyKind.WRITE, expires=timedelta(days=1))
    (key,) = await keys.list()
    for time in (key.created_at, key.expires_at):
        assert time is not None
        assert datetime.fromisoformat(time).isoformat(timespec="milliseconds").replace("+00:00", "Z") == time
