"""From a row to a call: whom it names, what it says, which messageId it gets."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from oneid.domain.imports.mapping import check_columns, parse_assignments, same_names
from oneid.domain.imports.presets import Call, Plan, Preset
from oneid.domain.imports.rows import Row
from oneid.domain.imports.values import Kind, Times
from oneid.errors import InvalidInput, NobodyNamed


def plan(preset: Preset, *mappings: str, file: str = "orders.csv", **prefixes: str) -> Plan:
    assignments = parse_assignments(mappings, preset.fields)
    return Plan(file, preset, assignments, Times(ZoneInfo("UTC")), prefixes=prefixes)


def order(*mappings: str, **values: object) -> Call:
    return plan(Preset.ORDERS, *mappings).call(Row(2, values))


def test_an_order_becomes_order_completed() -> None:
    mappings = ("no=order_id", "who=user_id", "at=timestamp", "sum=revenue", "n=quantity", "cur=currency")
    call = order(*mappings, no="o1", who="u1", at="2026-03-01 08:00", sum="11.77", n="2", cur="CNY")
    assert (call.type, call.event) == ("track", "Order Completed")
    assert (call.user_id, call.anonymous_id) == ("u1", None)
    assert call.body == {"order_id": "o1", "revenue": 11.77, "quantity": 2, "currency": "CNY"}
    assert call.timestamp == datetime(2026, 3, 1, 8, tzinfo=UTC)


def test_an_invoice_line_is_worth_price_times_quantity_exactly() -> None:
    call = order(
        "who=user_id",
        "sku=sku",
        "name=product",
        "p=price",
        "n=quantity",
        who="u",
        sku="s",
        name="x",
        p="2.55",
        n="6",
    )
    product = {"sku": "s", "name": "x", "price": 2.55, "quantity": 6}
    assert call.body == {"quantity": 6, "revenue": 15.3, "products": [product]}


def test_a_stated_total_is_not_added_to() -> None:
    call = order("who=user_id", "p=price", "n=quantity", "sum=total", who="u", p="2", n="3", sum="5")
    assert "revenue" not in call.body
    assert call.body["total"] == 5


def test_a_guest_id_names_only_those_whom_nothing_else_names() -> None:
    mapped = plan(Preset.ORDERS, "c=user_id", "i=guest_id", user_id="or-", guest_id="invoice-")
    known = mapped.call(Row(2, {"c": "17850", "i": "536365"}))
    guest = mapped.call(Row(3, {"c": "", "i": "536414"}))
    assert (known.user_id, known.anonymous_id) == ("or-17850", None)
    assert (guest.user_id, guest.anonymous_id) == (None, "invoice-536414")


def test_an_order_names_people_by_phone_and_card_in_its_context() -> None:
    call = order("m=phone", "card=id.member_card", m="138 0013 8000", card=7)
    assert call.context == {
        "externalIds": [{"id": "7", "type": "member_card"}],
        "traits": {"phone": "138 0013 8000"},
    }
    assert (call.user_id, call.anonymous_id) == (None, None)


def test_a_person_becomes_identify_with_traits_and_external_ids() -> None:
    mapped = plan(
        Preset.PEOPLE, "id=user_id", "tel=phone", "n=name", "wx=id.wechat_openid", "pts=points:number"
    )
    call = mapped.call(Row(2, {"id": "u1", "tel": "13800138000", "n": "林悦", "wx": "a:o1", "pts": "70"}))
    assert call.type == "identify"
    assert call.body == {"name": "林悦", "points": 70, "phone": "13800138000"}
    assert call.context == {"externalIds": [{"id": "a:o1", "type": "wechat_openid"}]}
    assert call.timestamp is None


def test_the_same_line_has_the_same_message_id_and_an_identical_one_another() -> None:
    mapped = plan(Preset.ORDERS, "who=user_id")
    ids = [mapped.call(Row(line, {"who": "u"})).message_id for line in (2, 2, 3)]
    assert ids[0] == ids[1]
    assert ids[0] != ids[2]


def test_another_file_and_a_corrected_line_have_other_message_ids() -> None:
    row = Row(2, {"who": "u", "sum": "1"})
    first = plan(Preset.ORDERS, "who=user_id", "sum=revenue").call(row)
    other = plan(Preset.ORDERS, "who=user_id", "sum=revenue", file="other.csv").call(row)
    corrected = plan(Preset.ORDERS, "who=user_id", "sum=total").call(row)
    assert len({first.message_id, other.message_id, corrected.message_id}) == 3


def test_a_message_id_fits_whatever_the_file_is_called() -> None:
    call = plan(Preset.ORDERS, "who=user_id", file="订单" * 200).call(Row(10**9, {"who": "u"}))
    assert len(call.message_id) <= 100


@pytest.mark.parametrize(
    ("cells", "column"),
    [({"sum": "x"}, "sum"), ({"at": "soon"}, "at"), ({"at": ""}, "at"), ({"who": 1.5}, "who")],
)
def test_a_bad_cell_is_told_by_its_column(cells: dict[str, object], column: str) -> None:
    good = {"who": "u", "sum": "1", "at": "2026-03-01"}
    with pytest.raises(InvalidInput) as caught:
        order("who=user_id", "sum=revenue", "at=timestamp", **good | cells)
    assert caught.value.field == (column,)


def test_a_row_that_names_nobody_is_refused() -> None:
    with pytest.raises(NobodyNamed):
        order("who=user_id", "sum=revenue", who=" ", sum="1")


def test_what_no_store_can_keep_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no store can keep"):
        order("who=user_id", "x=size", who="u", x=2**70)


def test_columns_that_are_called_like_fields_need_no_mapping() -> None:
    found = same_names(["user_id", "revenue", "colour", "id.member_card"], Preset.ORDERS.fields)
    assert [(a.column, a.kind) for a in found] == [
        ("user_id", Kind.TEXT),
        ("revenue", Kind.NUMBER),
        ("id.member_card", Kind.TEXT),
    ]


@pytest.mark.parametrize("text", ["user_id", "=user_id", "a=", "a=b:money"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_assignments([text], Preset.ORDERS.fields)


def test_a_column_name_may_hold_an_equals_sign() -> None:
    (found,) = parse_assignments(["a=b=user_id"], Preset.ORDERS.fields)
    assert (found.column, found.field) == ("a=b", "user_id")


def test_a_mapped_column_must_be_there_and_a_field_has_one_column() -> None:
    with pytest.raises(InvalidInput, match="no column 'c' in the file, which has a, b"):
        check_columns(parse_assignments(["c=user_id"], {}), ["a", "b"])
    with pytest.raises(InvalidInput, match="two columns are user_id"):
        check_columns(parse_assignments(["a=user_id", "b=user_id"], {}), ["a", "b"])


def test_a_path_of_the_server_is_told_as_the_column_behind_it() -> None:
    mapped = plan(Preset.ORDERS, "tel=phone", "who=user_id")
    assert mapped.column("context.traits.phone") == "tel"
    assert mapped.column("userId") == "who"
    assert mapped.column("") is None


def test_a_plan_says_who_collected_the_file() -> None:
    row = Row(2, {"who": "u1"})
    mapped = plan(Preset.ORDERS, "who=user_id")
    told = replace(mapped, party="THIRD").call(row)

    assert told.context == {**mapped.call(row).context, "party": "THIRD"}
