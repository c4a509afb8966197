"""What an S3 bucket's record grants to outsiders, and what could block it. Pure.

The rules are those of docs/semantics.md §1, which also says what is not judged: Block Public
Access over account and bucket, ownership, Requester Pays, the bucket ACL and the bucket policy.
The verdict is about grants on the bucket; that single objects can be opened by an ACL of their
own is the matter of a rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachescan.providers.aws import acl
from cachescan.providers.aws.policy import grants as policy_grants
from cachescan.providers.aws.record import BucketRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cachescan.model import Grant, Resource


WAYS: tuple[Callable[[BucketRecord], Iterable[Grant]], ...] = (policy_grants.grants, acl.grants)
"""Each yields what one way into a bucket grants, from the record alone."""


def grants(resource: Resource) -> Iterator[Grant]:
    """Yield the grants of a bucket to outsiders; other kinds have none."""
    if resource.ref.kind == "aws/bucket":
        record = BucketRecord(resource)
        for way in WAYS:
            yield from way(record)
