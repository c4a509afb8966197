"""What is known of the bucket that a policy is judged for."""

from __future__ import annotations

from msgspec import Struct


class Facts(Struct, frozen=True):
    """The surroundings of a bucket policy.

    Attributes:
        arn: the bucket's ARN.
        account: its owner's account id; empty if not known.
        region: its region; empty if not known.
        now: the time to judge for, RFC 3339; empty if not known.
        owner: its owner's canonical id; empty if not known.
        plain_only: the store answers plain HTTP only.
        acls_void: ACLs are off, so a request that carries one is refused.
        keys: names of objects that are known to exist, the most telling first.
    """

    arn: str
    account: str
    region: str = ""
    now: str = ""
    owner: str = ""
    plain_only: bool = False
    acls_void: bool = False
    keys: tuple[str, ...] = ()

    @property
    def partition(self) -> str:
        """The ARN partition: ``aws``, ``aws-cn``, ``aws-us-gov``."""
        return self.arn.split(":")[1]
