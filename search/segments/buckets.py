"""Stable random buckets: drawn from the ONE-ID, which a merge keeps, and for each salt another time.

The index keeps one number for each customer; a salt makes factor and shift of a linear function modulo a prime of it.
"""

import hashlib
from typing import Any, Final

from oneid.domain.segments.rules import BucketRule

PRIME: Final = 2**31 - 1
BUCKETS: Final = 10_000
# A query may be asked of what is left of deleted documents, too, which has no seed.
WITHIN: Final = """
if (doc['seed'].size() == 0) return false;
long bucket = ((params.factor * doc['seed'].value + params.shift) % params.prime) % params.buckets;
return bucket >= params.first && bucket <= params.last;
"""


def seed(one_id: str) -> int:
    """What the buckets of a customer are drawn from."""
    return int.from_bytes(hashlib.sha256(one_id.encode()).digest()[:8], "big") % PRIME


def drawing(salt: str) -> tuple[int, int]:
    """Factor and shift of a salt: for each another drawing of the same customers."""
    digest = hashlib.sha256(salt.encode()).digest()
    return 1 + int.from_bytes(digest[:8], "big") % (PRIME - 1), int.from_bytes(digest[8:16], "big") % PRIME


def in_buckets(rule: BucketRule) -> dict[str, Any]:
    """The query for who is in these buckets."""
    factor, shift = drawing(rule.salt)
    params = {"factor": factor, "shift": shift, "prime": PRIME, "buckets": BUCKETS}
    params |= {"first": rule.first, "last": rule.last}
    return {"script": {"script": {"source": WITHIN, "params": params}}}
