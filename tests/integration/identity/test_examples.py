"""The examples of the identity specification, on the real graph."""

from oneid.domain.decisions import DecisionKind
from tests.pipeline import Pipeline, event


async def test_an_anonymous_visitor_who_logs_in_stays_one_customer(pipeline: Pipeline) -> None:
    first, second, third = await pipeline.ingest(
        event(anonymous_id="a1", kind="page"),
        event(anonymous_id="a1", user_id="u1", kind="identify"),
        event(user_id="u1"),
    )
    assert first == second == third
    assert await pipeline.keys(first) == {"anonymous_id:a1", "user_id:u1"}


async def test_two_devices_of_one_user_merge_and_the_later_one_id_redirects(pipeline: Pipeline) -> None:
    answers = await pipeline.ingest(
        event(anonymous_id="a1", device_id="ios1"),
        event(anonymous_id="a1", device_id="ios1", user_id="u1"),
        event(anonymous_id="a2", device_id="and1"),
        event(anonymous_id="a2", device_id="and1", user_id="u1"),
    )
    assert answers[0] == answers[1] == answers[3] != answers[2]
    customer = await pipeline.customer(answers[2])
    assert customer.one_id == answers[0]
    assert customer.former_one_ids == (answers[2],)
    assert len(customer.identifiers) == 5


async def test_two_users_never_merge_by_a_shared_email(pipeline: Pipeline) -> None:
    later = event(user_id="abc456", email="j@x.cn", kind="identify")
    one, two = await pipeline.ingest(event(user_id="abc123", email="j@x.cn", kind="identify"), later)
    assert one != two
    assert await pipeline.owner("email", "j@x.cn") == one
    assert await pipeline.keys(two) == {"user_id:abc456"}
    kinds = [decision.kind for decision in await pipeline.decisions(later["messageId"])]
    assert kinds == [DecisionKind.DEMOTED, DecisionKind.CREATED]


async def test_a_zero_user_id_joins_nobody(pipeline: Pipeline) -> None:
    one, two = await pipeline.ingest(
        event(user_id="00000", anonymous_id="a1"), event(user_id="00000", anonymous_id="a2")
    )
    assert one != two
    assert await pipeline.keys(one) == {"anonymous_id:a1"}
    assert await pipeline.keys(two) == {"anonymous_id:a2"}


async def test_one_phone_in_three_spellings_is_one_customer(pipeline: Pipeline) -> None:
    answers = await pipeline.ingest(
        event(phone="+86 138-0013-8000", user_id="u1"),
        event(phone="13800138000", anonymous_id="a1"),
        event(phone="008613800138000", device_id="d1"),
    )
    assert len(set(answers)) == 1
    assert await pipeline.keys(answers[0]) == {
        "phone:+8613800138000",
        "user_id:u1",
        "anonymous_id:a1",
        "device_id:d1",
    }


async def test_two_openids_merge_through_their_unionid(pipeline: Pipeline) -> None:
    answers = await pipeline.ingest(
        event(wechat_openid="wxMINI:o1"),
        event(wechat_openid="wxOA:o9"),
        event(wechat_openid="wxMINI:o1", wechat_unionid="op1:U1"),
        event(wechat_openid="wxOA:o9", wechat_unionid="op1:U1"),
    )
    assert answers[0] == answers[2] == answers[3] != answers[1]
    assert (await pipeline.customer(answers[1])).one_id == answers[0]


async def test_two_unionids_with_one_phone_stay_two_customers(pipeline: Pipeline) -> None:
    one, two = await pipeline.ingest(
        event(wechat_unionid="op1:U1", phone="13800138000"),
        event(wechat_unionid="op1:U2", phone="13800138000"),
    )
    assert one != two
    assert await pipeline.owner("phone", "+8613800138000") == one


async def test_a_shared_tablet_merges_no_strangers(pipeline: Pipeline) -> None:
    answers = await pipeline.ingest(
        event(user_id="u1", device_id="tablet"),
        event(user_id="u2", device_id="tablet"),
        event(user_id="u3", device_id="tablet"),
    )
    assert len(set(answers)) == 3
    assert await pipeline.owner("device_id", "tablet") == answers[0]
