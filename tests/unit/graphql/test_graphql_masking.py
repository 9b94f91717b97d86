"""What readers without pii:read see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.graphql.masking import (
    mask_attribute,
    mask_email,
    mask_identifier,
    mask_phone,
    mask_properties,
)


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
    ],
)
def test_a_phone_keeps_its_first_three_and_last_four_digits(value: str, shown: str) -> None:
    assert mask_phone(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("anna@x.cn", "a***@x.cn"), ("a@x.cn", "a***@x.cn"), ("nobody", "***"), ("@x.cn", "***"), ("", "***")],
)
def test_an_email_keeps_its_first_letter_and_its_domain(value: str, shown: str) -> None:
    assert mask_email(value) == shown


def test_only_identifiers_that_are_personal_data_are_masked() -> None:
    assert mask_identifier("email", "anna@x.cn") == "a***@x.cn"
    assert mask_identifier("phone", "+8613812345678") == "138****5678"
    assert mask_identifier("landline", "+862161234567") == "862****4567"
    assert mask_identifier("wechat_openid", "wxMINI:o1") == "wxMINI:o1"


def test_personal_keys_are_masked_at_any_depth_and_in_any_case() -> None:
    properties = {
        "Email": "anna@x.cn",
        "buyer": {"phone": 13812345678},
        "items": [{"EMAIL": "b@y.cn"}],
        "n": 1,
    }
    assert mask_properties(properties) == {
        "Email": "a***@x.cn",
        "buyer": {"phone": "138****5678"},
        "items": [{"EMAIL": "b***@y.cn"}],
        "n": 1,
    }


def test_a_personal_key_that_holds_no_text_is_masked_too() -> None:
    assert mask_attribute("email", ["anna@x.cn"]) == "[***@x.cn']"
    assert mask_attribute("phone", None) is None


def test_masking_leaves_the_original_as_it_was() -> None:
    properties = {"email": "anna@x.cn"}
    mask_properties(properties)
    assert properties == {"email": "anna@x.cn"}


@given(st.emails())
def test_no_email_shows_more_than_one_letter_of_its_name(email: str) -> None:
    assert mask_email(email).startswith(email[0] + "***@")


@given(st.from_regex(r"\A\+861[3-9]\d{9}\Z"))
def test_no_chinese_mobile_shows_its_middle(phone: str) -> None:
    assert mask_phone(phone) == f"{phone[3:6]}****{phone[-4:]}"
