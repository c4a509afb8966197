"""The demo's estate as a table: thirty-odd buckets of a fictional AI lab, and why each is there.

A bucket without settings is what AWS makes since April 2023: block on, ACLs off, SSE-S3.
"""

from __future__ import annotations

from cachescan.demo.assets import cms_keys
from cachescan.demo.names import (
    ACCESS_LOGS_BUCKET,
    AUDITOR_ARN,
    CHECKPOINTS_BUCKET,
    CMS_BUCKET,
    CONDITIONED_BUCKET,
    CROSS_ACCOUNT_BUCKET,
    DROPBOX_BUCKET,
    HOSTILE_BUCKET,
    HOSTILE_KEYS,
    HOSTILE_TAGS,
    IE,
    LOCKED_BUCKET,
    LOG_ARCHIVE_BUCKET,
    OFFICE_BUCKET,
    PARTNER_ACCOUNT,
    PARTNER_ID,
    PREPRINTS_BUCKET,
    PRESS_BUCKET,
    PRIVATE_BUCKET,
    RESTRICTED_BUCKET,
    TAKEOVER_BUCKET,
    US,
    WWW_BUCKET,
    Bucket,
)
from cachescan.demo.server import ACCOUNT, REGION
from cachescan.demo.settings import (
    ALL_USERS,
    EVENTS,
    UNBLOCKED,
    acl,
    allow,
    anyone_gets,
    aws_managed_key,
    block,
    cors,
    deny,
    expiring,
    hardened,
    kms,
    logged,
    ownership,
    policy,
    replicated,
    requester_pays,
    retention,
    tags,
    versioning,
    website,
)


def _shards(run: str, count: int) -> tuple[str, ...]:
    return tuple(f"{run}/model-{n:05}-of-{count:05}.safetensors" for n in range(1, count + 1))


def _arn(name: str) -> str:
    return f"arn:aws:s3:::{name}"


def estate() -> tuple[Bucket, ...]:
    """Return every bucket of the demo; names are unique and log targets share their region."""
    return (
        *_leaks(),
        *_published(),
        *_open_by_acl(),
        *_shared(),
        *_records(),
        *_plain(),
        *_uneven(),
        *_careful(),
    )


def _leaks() -> tuple[Bucket, ...]:
    """Return what nobody meant to publish: names and contents, to everybody."""
    return (
        Bucket(
            CMS_BUCKET,
            "the CMS publishes every upload at once, the draft announcement too",
            (
                UNBLOCKED,
                policy(
                    CMS_BUCKET,
                    anyone_gets(CMS_BUCKET, Sid="CmsServesMedia"),
                    allow("*", "s3:ListBucket", Sid="CmsSyncPlugin", Resource=_arn(CMS_BUCKET)),
                ),
                cors("*", "GET", "HEAD"),
                tags({"owner": "web@example.com", "env": "prod"}),
            ),
            tuple(cms_keys()),
        ),
        Bucket(
            CHECKPOINTS_BUCKET,
            "someone lifted the block to share one run with a partner, and left it",
            (
                block(),
                ownership("BucketOwnerPreferred"),
                acl(ACL="public-read"),
                policy(CHECKPOINTS_BUCKET, anyone_gets(CHECKPOINTS_BUCKET, "meridian-2/")),
                tags({"owner": "pretraining@example.com", "env": "research"}),
            ),
            (
                *_shards("meridian-2/step-120000", 16),
                "meridian-2/step-120000/optimizer.pt",
                "meridian-2/step-120000/config.json",
                "meridian-2/step-120000/tokenizer.json",
                "meridian-1/README.md",
            ),
        ),
    )


def _published() -> tuple[Bucket, ...]:
    """Return what a public policy opens, on purpose, forgotten, or under a condition."""
    blocked = {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    office = {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}
    return (
        Bucket(
            WWW_BUCKET,
            "the website: public on purpose, and says so",
            (
                UNBLOCKED,
                policy(WWW_BUCKET, anyone_gets(WWW_BUCKET)),
                website(),
                versioning(),
                tags({"owner": "web@example.com", "public": "approved"}),
            ),
            ("index.html", "404.html", "css/site.css", "img/logo.svg", "robots.txt"),
            US,
        ),
        Bucket(
            PRESS_BUCKET,
            "BlockPublicPolicy refuses new public policies; the one of 2021 still serves",
            (
                UNBLOCKED,
                policy(PRESS_BUCKET, anyone_gets(PRESS_BUCKET)),
                block("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy"),
            ),
            ("2021/logo-pack.png", "2026/embargo/meridian-2-fact-sheet.pdf"),
        ),
        Bucket(
            CONDITIONED_BUCKET,
            "a block list of one network leaves everybody else in",
            (
                UNBLOCKED,
                policy(CONDITIONED_BUCKET, anyone_gets(CONDITIONED_BUCKET, Condition=blocked)),
            ),
            ("meridian-2/api-reference.html", "meridian-2/pricing-unreleased.html"),
        ),
        Bucket(
            OFFICE_BUCKET,
            "open to one office network, and to nobody else",
            (UNBLOCKED, policy(OFFICE_BUCKET, anyone_gets(OFFICE_BUCKET, Condition=office))),
            ("floor-plan.pdf",),
            IE,
        ),
    )


def _open_by_acl() -> tuple[Bucket, ...]:
    """Return what an ACL opens: to write, to every customer, to take over, to one account."""
    return (
        Bucket(
            DROPBOX_BUCKET,
            "partners without an account upload here, and so can everybody else",
            (UNBLOCKED, ownership("ObjectWriter"), acl(GrantWrite=ALL_USERS)),
            ("inbox/README.md",),
        ),
        Bucket(
            PREPRINTS_BUCKET,
            "'authenticated users' reads like colleagues and means every AWS customer",
            (UNBLOCKED, ownership("ObjectWriter"), acl(ACL="authenticated-read")),
            ("2026/meridian-2-system-card-draft.pdf", "2025/scaling-notes.pdf"),
            US,
        ),
        Bucket(
            TAKEOVER_BUCKET,
            "anyone may rewrite the ACL of a bucket that a client still reads its config from",
            (
                UNBLOCKED,
                ownership("ObjectWriter"),
                acl(GrantReadACP=ALL_USERS, GrantWriteACP=ALL_USERS),
            ),
            ("app/config.json",),
            IE,
        ),
        Bucket(
            "novalab-vendor-handoff",
            "another account holds FULL_CONTROL through the ACL",
            (
                ownership("BucketOwnerPreferred"),
                acl(GrantFullControl=f'id="{PARTNER_ID}"'),
            ),
            ("sow-2026.pdf",),
        ),
    )


def _shared() -> tuple[Bucket, ...]:
    """Return what is shared with somebody, and what would be if nothing were in the way."""
    partner = {"AWS": f"arn:aws:iam::{PARTNER_ACCOUNT}:root"}
    distribution = f"arn:aws:cloudfront::{ACCOUNT}:distribution/EDFDVBD6EXAMPLE"
    return (
        Bucket(
            RESTRICTED_BUCKET,
            "a public policy that RestrictPublicBuckets keeps from working",
            (
                UNBLOCKED,
                policy(RESTRICTED_BUCKET, anyone_gets(RESTRICTED_BUCKET)),
                block("RestrictPublicBuckets"),
            ),
            ("crawl/2026-09/part-00000.parquet", "crawl/2026-09/part-00001.parquet"),
            US,
        ),
        Bucket(
            CROSS_ACCOUNT_BUCKET,
            "read and written by a data supplier's account",
            (
                policy(
                    CROSS_ACCOUNT_BUCKET,
                    allow(partner, "s3:GetObject", "s3:PutObject", "s3:ListBucket"),
                ),
                versioning(),
            ),
            ("supplier/2026-10/batch-01.jsonl.gz",),
        ),
        Bucket(
            "novalab-cdn-origin",
            "read by one CloudFront distribution and by nobody else",
            (
                policy(
                    "novalab-cdn-origin",
                    allow(
                        {"Service": "cloudfront.amazonaws.com"},
                        "s3:GetObject",
                        Condition={"StringEquals": {"AWS:SourceArn": distribution}},
                    ),
                ),
                versioning(),
            ),
            ("v1/app.js", "v1/app.css"),
            US,
        ),
        Bucket(
            "novalab-open-corpus",
            "a published corpus: whoever downloads it pays",
            (policy("novalab-open-corpus", allow(partner, "s3:GetObject")), requester_pays()),
            ("v3/shard-000.jsonl.gz",),
            US,
        ),
    )


def _records() -> tuple[Bucket, ...]:
    """Return the logs: one archive that shuts the auditor out, and the access-log targets."""
    delivery = {"Service": "logging.s3.amazonaws.com"}
    trail = {"Service": "cloudtrail.amazonaws.com"}
    own = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    targets = ((ACCESS_LOGS_BUCKET, REGION), *((f"{ACCESS_LOGS_BUCKET}-{r}", r) for r in (US, IE)))
    return (
        Bucket(
            LOG_ARCHIVE_BUCKET,
            "closed so tightly that the auditor cannot tell whether it is closed",
            (
                policy(
                    LOG_ARCHIVE_BUCKET,
                    allow(trail, "s3:PutObject", "s3:GetBucketAcl", Condition=own),
                    deny({"AWS": AUDITOR_ARN}, Sid="NobodyReadsLogs"),
                ),
                versioning(),
                kms(),
            ),
            (f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/11/20/trail.json.gz",),
        ),
        *(
            Bucket(
                name,
                "receives the access logs of its region; the first one logs into itself",
                (
                    policy(name, allow(delivery, "s3:PutObject", Condition=own)),
                    expiring(400),
                    *([logged(name, name)] if name == ACCESS_LOGS_BUCKET else []),
                ),
                ("novalab-finance-ledger/2026-11-20-00-11-42-8F2A",),
                region,
            )
            for name, region in targets
        ),
    )


def _plain() -> tuple[Bucket, ...]:
    """Return private buckets that nobody has touched much."""
    return (
        Bucket(PRIVATE_BUCKET, "as AWS made it", keys=("contracts/2026/offer-0117.pdf",)),
        Bucket("novalab-billing-exports", "as AWS made it", region=US, keys=("cur/2026-10.csv",)),
        Bucket("novalab-ml-notebooks", "as AWS made it", keys=("ablation.ipynb",)),
        Bucket(
            "novalab-eval-results",
            "older than April 2023: no block, ACLs alive, though nothing is granted",
            (UNBLOCKED, ("delete_bucket_ownership_controls", {})),
            ("2022/mmlu.json",),
        ),
        Bucket(
            "novalab-training-telemetry",
            "encrypted with the key that AWS keeps",
            (aws_managed_key(), versioning()),
            ("run-88/metrics.parquet",),
            IE,
        ),
        Bucket(
            "novalab-terraform-state",
            "versioned and encrypted, as its readers should insist on",
            (versioning(), kms(), logged("novalab-terraform-state", ACCESS_LOGS_BUCKET)),
            ("prod/terraform.tfstate",),
        ),
    )


def _uneven() -> tuple[Bucket, ...]:
    """Return buckets that are right in most ways and wrong in one."""
    return (
        Bucket(
            "novalab-backups-db",
            "versioning was switched off again to save money",
            (versioning(), versioning("Suspended"), expiring(30)),
            ("pg/2026-11-20.dump",),
        ),
        Bucket(
            "novalab-inference-logs",
            "prompts and answers, kept for a month",
            (expiring(30), EVENTS, logged("novalab-inference-logs", ACCESS_LOGS_BUCKET)),
            ("2026/11/20/00.jsonl.gz",),
        ),
        Bucket(
            "novalab-user-uploads",
            "private, but any web page may call it",
            (cors("*", "GET", "PUT", "POST"), versioning(), expiring(90, noncurrent=True)),
            ("u/8842/avatar.png",),
        ),
        Bucket(
            HOSTILE_BUCKET,
            "a shared scratch bucket whose tags and keys attack whoever prints them",
            (
                UNBLOCKED,
                policy(HOSTILE_BUCKET, anyone_gets(HOSTILE_BUCKET)),
                tags(HOSTILE_TAGS),
            ),
            HOSTILE_KEYS,
        ),
    )


def _careful() -> tuple[Bucket, ...]:
    """Return what is locked properly, in pairs that replicate to another region."""
    modes = {LOCKED_BUCKET: "COMPLIANCE", "novalab-model-registry": "GOVERNANCE"}
    return tuple(
        bucket
        for name, mode in modes.items()
        for bucket in (
            Bucket(
                name,
                "locked properly",
                (
                    *hardened(name, ACCESS_LOGS_BUCKET),
                    replicated(f"{name}-replica"),
                    retention(mode, 365),
                ),
                ("2026/q3.parquet",),
                object_lock=True,
            ),
            Bucket(
                f"{name}-replica",
                "the copy in another region, locked as well",
                (
                    *hardened(f"{name}-replica", f"{ACCESS_LOGS_BUCKET}-{IE}", IE),
                    retention(mode, 365),
                ),
                region=IE,
                object_lock=True,
            ),
        )
    )
