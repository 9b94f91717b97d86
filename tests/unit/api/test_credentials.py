"""Where clients put their write key."""

import base64

import pytest

from api.auth import header_keys, key_forms


def basic(text: str) -> bytes:
    return b"Basic " + base64.b64encode(text.encode())


@pytest.mark.parametrize(
    ("headers", "keys"),
    [
        ({b"authorization": basic("WK:")}, ["WK"]),
        ({b"authorization": basic("WK")}, ["WK"]),
        ({b"authorization": basic("kid:secret")}, ["kid", "kid_secret"]),
        ({b"authorization": basic("WK:").rstrip(b"=")}, ["WK"]),
        ({b"authorization": b"basic " + basic("WK:")[6:]}, ["WK"]),
        ({b"authorization": b"Bearer WK"}, ["WK"]),
        ({b"x-write-key": b"WK"}, ["WK"]),
        ({b"x-write-key": b"kid:secret"}, ["kid:secret", "kid_secret", "secret"]),
        ({b"authorization": basic("A:"), b"x-write-key": b"B"}, ["A", "B"]),
        ({b"authorization": b"Basic !!!"}, []),
        ({b"authorization": b"Basic " + base64.b64encode(b"\xff\xfe:")}, []),
        ({b"authorization": b"Basic"}, []),
        ({b"authorization": "Basic 钥匙".encode()}, []),
        ({b"authorization": b"Basic a"}, []),
        ({b"authorization": basic(":")}, []),
        ({b"authorization": b"Digest x"}, []),
        ({}, []),
    ],
)
def test_keys_are_found_in_headers(headers: dict[bytes, bytes], keys: list[str]) -> None:
    assert list(header_keys(headers)) == keys


@pytest.mark.parametrize(("text", "forms"), [("", []), ("WK", ["WK"]), ("kid:", ["kid:"])])
def test_only_a_pair_has_other_forms(text: str, forms: list[str]) -> None:
    assert list(key_forms(text)) == forms
