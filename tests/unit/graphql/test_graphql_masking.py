"""What readers without pii:read see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.graphql.masking import Reader, mask_email, mask_phone, masks_of
from oneid.domain.identifiers import Identifier
from oneid.domain.personal import PersonalKeys
from oneid.domain.rules import IdentityRules, Normalizer, RulesChange, TypeChange

STRANGER = Reader()
DECLARED = Reader(keys=PersonalKeys(frozenset({"idcard"})))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("+8613812345678", "138****5678"),
        ("13812345678", "138****5678"),
        ("0086 138 1234 5678", "138****5678"),
        ("138-1234-5678", "138****5678"),
        ("+14155552671", "141****2671"),
        ("+861012345678", "861****5678"),
        ("12345", "****45"),
        ("", "****"),
        ("13812345678, 13912345679", "****"),
    ],
)
def test_a_phone_keeps_its_first_three_and_last_four_digits(value: str, shown: str) -> None:
    assert mask_phone(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *(
            ("anna@x.cn", "a***@x.cn"),
            ("a@x.cn", "a***@x.cn"),
            ("nobody", "***"),
            ("@x.cn", "***"),
            ("", "***"),
        ),
        *(("anna@x.cn,bob@y.cn", "***"), ("Anna <anna@x.cn>; Bob <bob@y.cn>", "***")),
    ],
)
def test_an_email_keeps_its_first_letter_and_its_domain(value: str, shown: str) -> None:
    assert mask_email(value) == shown


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("email", "anna@x.cn", "a***@x.cn"),
        ("phone", "+8613812345678", "138****5678"),
        ("landline", "+862161234567", "862****4567"),
        ("wechat_openid", "wxMINI:o1", "wxMINI:o1"),
    ],
)
def test_only_identifiers_that_are_personal_data_are_masked(kind: str, value: str, shown: str) -> None:
    assert STRANGER.identifier(Identifier(kind, value)) == shown
    assert Reader(pii=True).identifier(Identifier(kind, value)) == value


def test_a_declared_type_is_personal_by_how_it_is_normalised_or_as_a_households() -> None:
    types = (
        TypeChange("work_email", normalizer=Normalizer.EMAIL),
        TypeChange("mobile", normalizer=Normalizer.PHONE),
        TypeChange("meter", household=True),
        TypeChange("email", normalizer=Normalizer.LOWER),
    )
    reader = Reader(masks=masks_of(RulesChange(types=types).apply(IdentityRules())))
    given = {
        "work_email": "anna@x.cn",
        "mobile": "+8613812345678",
        "meter": "M-123",
        "email": "bob@y.cn",
        "device_id": "d",
    }
    assert {kind: reader.identifier(Identifier(kind, value)) for kind, value in given.items()} == {
        "work_email": "a***@x.cn",
        "mobile": "138****5678",
        "meter": "M***",
        "email": "b***@y.cn",
        "device_id": "d",
    }


def test_personal_keys_are_masked_at_any_depth_and_in_any_case() -> None:
    properties = {
        "Email": "anna@x.cn",
        "buyer": {"phone": 13812345678, "Phone_Number": "13812345678", "手机号": "13812345678"},
        "items": [{"EMAIL": "b@y.cn"}],
        "n": 1,
    }
    masked = "138****5678"
    assert STRANGER.properties(properties) == {
        "Email": "a***@x.cn",
        "buyer": {"phone": masked, "Phone_Number": masked, "手机号": masked},
        "items": [{"EMAIL": "b***@y.cn"}],
        "n": 1,
    }


def test_each_leaf_under_a_personal_key_is_masked() -> None:
    assert STRANGER.attribute("email", ["anna@x.cn", "bob@y.cn"]) == ["a***@x.cn", "b***@y.cn"]
    assert STRANGER.attribute("email", {"home": "anna@x.cn", "bob@y.cn": True}) == {
        "home": "a***@x.cn",
        "b***@y.cn": "***",
    }
    assert STRANGER.properties({"phone": [{"n": 13812345678}, None]}) == {
        "phone": [{"n": "138****5678"}, None]
    }
    assert STRANGER.attribute("phone", None) is None


def test_declared_keys_are_masked_whatever_their_case_and_what_they_hold() -> None:
    given = {"IDCard": "310101", "idcard": ["310101", 7, {"front": "x1"}], "city": "上海"}
    assert DECLARED.properties(given) == {
        "IDCard": "3***",
        "idcard": ["3***", "***", {"front": "x***"}],
        "city": "上海",
    }
    assert DECLARED.attribute("idcard", 310101) == "***"
    assert STRANGER.properties(given) == given


def test_masking_leaves_the_original_as_it_was() -> None:
    properties = {"email": "anna@x.cn"}
    STRANGER.properties(properties)
    assert properties == {"email": "anna@x.cn"}


@given(st.emails())
def test_no_email_shows_more_than_one_letter_of_its_name(email: str) -> None:
    assert mask_email(email).startswith(email[0] + "***@")


@given(st.from_regex(r"\A\+861[3-9]\d{9}\Z"))
def test_no_chinese_mobile_shows_its_middle(phone: str) -> None:
    assert mask_phone(phone) == f"{phone[3:6]}****{phone[-4:]}"
