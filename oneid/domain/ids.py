"""ONE-IDs: UUID version 7 (RFC 9562), so that neighbours in time are neighbours in an index."""

import secrets
from uuid import UUID


def one_id(nanoseconds: int) -> str:
    """A new ONE-ID of that time (nanoseconds since 1970)."""
    return one_id_of(nanoseconds, secrets.randbits(80))


def one_id_of(nanoseconds: int, bits: int) -> str:
    """The ONE-ID of that time with these 80 bits."""
    value = (nanoseconds // 1_000_000 & (1 << 48) - 1) << 80 | bits
    value = value & ~(0xF << 76) | 0x7 << 76
    return str(UUID(int=value & ~(0x3 << 62) | 0x2 << 62))
