"""The names of the demo's estate that code, tests and texts refer to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cachescan.demo.server import ACCOUNT, REGION

if TYPE_CHECKING:
    from cachescan.demo.settings import Setting

US, IE = "us-east-1", "eu-west-1"
PARTNER_ACCOUNT = "111122223333"
# The canonical id that Amazon's documentation uses for an example account.
PARTNER_ID = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
AUDITOR_NAME = "security-auditor"
AUDITOR_ARN = f"arn:aws:iam::{ACCOUNT}:user/{AUDITOR_NAME}"

CMS_BUCKET = "novalab-cms-media"
CHECKPOINTS_BUCKET = "novalab-checkpoints-eu"
WWW_BUCKET = "novalab-www-assets"
PRESS_BUCKET = "novalab-press-kit"
DROPBOX_BUCKET = "novalab-partner-dropbox"
PREPRINTS_BUCKET = "novalab-research-preprints"
TAKEOVER_BUCKET = "novalab-legacy-app-config"
RESTRICTED_BUCKET = "novalab-datasets-raw"
CROSS_ACCOUNT_BUCKET = "novalab-datasets-curated"
CONDITIONED_BUCKET = "novalab-docs-preview"
OFFICE_BUCKET = "novalab-office-share"
LOG_ARCHIVE_BUCKET = "novalab-logs-archive"
ACCESS_LOGS_BUCKET = "novalab-access-logs"
LOCKED_BUCKET = "novalab-finance-ledger"
PRIVATE_BUCKET = "novalab-hr-documents"
HOSTILE_BUCKET = "novalab-tmp-scratch"

HOSTILE_TAGS = {
    "owner": "<script>alert(1)</script>",
    "purpose": "=cmd|' /C calc'!A0",
    "note": "invoice-\u202efdp.exe",
    "team": "two\nlines",
}
"""Amazon narrows what a tag may hold; S3-compatible servers, like this one, take what XML takes.

XML 1.0 cannot carry ESC, so it is in the keys only.
"""
HOSTILE_KEYS = (
    "notes/\x1b[31mred\x1b[0m \x1b]8;;https://example.com\x07link\x1b]8;;\x07.txt",
    "notes/two\nlines.txt",
    "notes/invoice-\u202efdp.exe",
    "notes/<img src=x onerror=alert(1)>.png",
    '=HYPERLINK("https://example.com")-draft.csv',
)


@dataclass(frozen=True)
class Bucket:
    """One bucket: what it is, what was done to it in which order, and what lies in it."""

    name: str
    story: str
    settings: tuple[Setting, ...] = ()
    keys: tuple[str, ...] = ()
    region: str = REGION
    object_lock: bool = False
