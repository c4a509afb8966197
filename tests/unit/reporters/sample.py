"""A report with one of everything, made by hand; and the same with a stranger's text everywhere."""

from __future__ import annotations

from collections import Counter

from msgspec import structs

from cachescan.exposure import expose
from cachescan.fingerprint import fingerprint
from cachescan.model import (
    SEVERITIES,
    Actor,
    Blocker,
    Capability,
    Census,
    Confidence,
    Coverage,
    Effect,
    Evidence,
    Exposure,
    Finding,
    Fix,
    Gap,
    GapReason,
    Grade,
    Grant,
    Hit,
    Judged,
    Report,
    ResourceRef,
    Rule,
    Run,
    Scope,
    Severity,
    Suppression,
    Verdict,
    Witness,
)

ACCOUNT, SISTER = "123456789012", "111122223333"
NOW = "2026-11-25T08:00:00Z"

# The list of what a stranger can put into a name: terminal, markup, links, formulas, paths.
HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J",
    "\x9b31m\x00\x7f",
    "invoice-\u202efdp.exe",
    "zero\u200bwidth\u2060\ufeff\u00ad",
    "lines\nand\r\nmore\u2028and\u2029more\x85",
    "</script><script>alert(1)</script><!--",
    "[bold red]markup[/] :boom:",
    "[link](javascript:alert(1)) {0} \\",
    "=cmd|' /C calc'!A0",
    "../../../etc/passwd",
    "..",
    ".",
    "a/./b//c/",
    "C:\\..\\x",
    "'; touch owned; '",
    "$(touch owned)`touch owned`",
    "\ud800 lone \udcff",
    "\U000e0001\U000e0061tags\U000e007f",
    "\u3164\u115f\ufe0f",
    "%2e%2e%2f%00 50%",
    " leading, trailing ",
    "@everyone ```fence",
    "\u6f22\u5b57 \u00e9",
    "",
)

POLICY_DENIED = Gap(
    facet="policy",
    reason=GapReason.PERMISSION_DENIED,
    call="s3:GetBucketPolicy",
    detail="AccessDenied: not authorized to perform s3:GetBucketPolicy",
    permission="s3:GetBucketPolicy",
)
STATUS_DENIED = structs.replace(
    POLICY_DENIED,
    facet="policy_status",
    call="s3:GetBucketPolicyStatus",
    detail="AccessDenied",
    permission="s3:GetBucketPolicyStatus",
)
CONDITIONS = Gap(
    facet="policy",
    reason=GapReason.UNSUPPORTED,
    call="s3:GetBucketPolicy",
    detail="statement 0 has conditions on aws:sourceip: not judged yet",
)
CUT_LISTING = Gap(
    facet="census",
    reason=GapReason.TRUNCATED,
    call="s3:ListObjectsV2",
    detail="10000 objects listed, more are there",
    permission="s3:ListBucket",
)
ACCOUNTS_THROTTLED = Gap(
    facet="",
    reason=GapReason.THROTTLED,
    call="organizations:ListAccounts",
    detail="TooManyRequestsException",
    permission="organizations:ListAccounts",
)
SISTER_DENIED = Gap(
    facet="",
    reason=GapReason.PERMISSION_DENIED,
    call="s3:ListBuckets",
    detail="AccessDenied",
    permission="s3:ListAllMyBuckets",
    scope=SISTER,
)
ACCEPTED = Suppression(
    rule="aws-bucket-public-read",
    resource="novalab-www-*",
    reason="the public web site",
    expires="2027-06-30",
    owner="web@example.com",
)


def rule(name: str, severity: Severity, title: str, **more: object) -> Rule:
    made = Rule(
        id=name,
        title=title,
        kind="aws/bucket",
        severity=severity,
        fail="true",
        message="{name}",
        what=f"{title}, whoever they are.",
        why="What is open to everybody is read by somebody.",
        fix=Fix(
            text="Turn Block Public Access on for the bucket, and publish through a distribution.",
            cli="aws s3api put-public-access-block --bucket NAME",
            terraform='resource "aws_s3_bucket_public_access_block" "this" {\n  bucket = "NAME"\n}',
        ),
        status={"stable": "0.1"},
        references=("https://docs.example.com/block-public-access",),
        frameworks={"cis-aws-7.0": ("2.1.4",), "nist-800-53-r5": ("AC-3", "AC-22")},
    )
    return structs.replace(made, **more)


RULES = tuple(
    sorted(
        (
            rule(
                "aws-bucket-draft-exposed",
                Severity.CRITICAL,
                "Anyone on the internet can find and read unreleased drafts",
            ),
            rule("aws-bucket-public-read", Severity.HIGH, "Anyone can read objects"),
            rule("aws-bucket-public-list", Severity.HIGH, "Anyone can list names"),
            rule(
                "aws-bucket-shared-outside",
                Severity.MEDIUM,
                "A foreign account reads objects",
                confidence=Confidence.MEDIUM,
                references=("Security handbook, page 7",),
            ),
            rule("aws-bucket-versioning-off", Severity.LOW, "Overwritten objects are gone"),
            rule(
                "aws-bucket-no-tags",
                Severity.INFORMATIONAL,
                "Nobody is named as owner",
                confidence=Confidence.LOW,
                aliases=("aws-bucket-untagged",),
            ),
            rule("aws-bucket-broken", Severity.MEDIUM, "A rule with a fault"),
        ),
        key=lambda r: r.id,
    )
)
_SEVERITY = {r.id: r.severity for r in RULES}


def bucket(name: str, region: str = "eu-west-1", account: str = ACCOUNT) -> ResourceRef:
    return ResourceRef("aws", "aws/bucket", f"arn:aws:s3:::{name}", name, account, region)


def policy_grant(name: str, index: int, capability: Capability, actor: Actor) -> Grant:
    """Make a statement for everybody that nothing stops."""
    action = "s3:ListBucket" if capability == Capability.LIST else "s3:GetObject"
    where = "?list-type=2&max-keys=10" if capability == Capability.LIST else "press/draft%20one.md"
    return Grant(
        actor=actor,
        capability=capability,
        via="bucket-policy",
        low=Grade.YES,
        high=Grade.YES,
        evidence=(
            Evidence(
                "policy",
                f"/Statement/{index}",
                Effect.GRANTS,
                f"policy statement {index} (Cms) allows everybody {action}",
            ),
        ),
        witness=Witness(
            "GET",
            f"https://{name}.s3.eu-west-1.amazonaws.com/{where}",
            signed=actor != Actor.ANONYMOUS,
        ),
        blockers=(_restrict(state=False),),
    )


def _restrict(*, state: bool) -> Blocker:
    effect = Effect.BLOCKS if state else Effect.STATES
    word = "on at the account level" if state else "off for the bucket and for the account"
    said = f"RestrictPublicBuckets is {word}"
    return Blocker(
        state=state,
        evidence=Evidence("public_access_block", "/RestrictPublicBuckets", effect, said),
    )


def public(name: str) -> Exposure:
    """Everybody lists and reads."""
    return expose(
        policy_grant(name, index, capability, actor)
        for index, capability in enumerate((Capability.READ, Capability.LIST))
        for actor in (Actor.ANONYMOUS, Actor.ANY_ACCOUNT)
    )


def shared(name: str) -> Exposure:
    """One foreign role reads; everybody's grant is blocked."""
    role = "arn:aws:iam::111122223333:role/Partner"
    base = policy_grant(name, 0, Capability.READ, Actor.OUTSIDER)
    said = structs.replace(base.evidence[0], summary=f"policy statement 0 allows {role}")
    stopped = policy_grant(name, 1, Capability.LIST, Actor.ANONYMOUS)
    return expose(
        (
            structs.replace(base, principal=role, evidence=(said,)),
            structs.replace(stopped, blockers=(_restrict(state=True),)),
        )
    )


def undecided(name: str, gap: Gap) -> Exposure:
    """Nobody knows whether everybody reads."""
    base = policy_grant(name, 0, Capability.READ, Actor.ANONYMOUS)
    return expose((structs.replace(base, low=Grade.NO, gaps=(gap,)),))


def fail(name: str, ref: ResourceRef, exposure: Exposure | None = None, **more: object) -> Finding:
    paths = exposure.paths if exposure else ()
    evidence = tuple(dict.fromkeys(e for path in paths for e in path.evidence)) or (
        Evidence("versioning", "/Status", Effect.STATES, '"Suspended"'),
    )
    made = Finding(
        fingerprint=fingerprint(name, structs.replace(ref, uid=ascii(ref.uid))),
        evidence_hash="0" * 32,
        rule=name,
        ref=ref,
        verdict=Verdict.FAIL,
        severity=_SEVERITY[name],
        message=f"{ref.name} is affected",
        evidence=evidence,
        paths=tuple(paths),
        witness=next((path.witness for path in paths if path.witness), None),
    )
    return structs.replace(made, **more)


def unknown(name: str, ref: ResourceRef, *gaps: Gap) -> Finding:
    evidence = tuple(
        Evidence(gap.facet, "", Effect.UNREAD, f"{gap.call}: {gap.reason}") for gap in gaps
    )
    return fail(name, ref, verdict=Verdict.UNKNOWN, evidence=evidence, gaps=gaps)


HITS = (
    Hit("press/2027/Meridian-3 launch DRAFT.docx", 48_213, ("draft", "embargo"), ("draft",)),
    Hit("press/2027/meridian-3-embargoed.pdf", 1_204_551, ("embargo",), ("embargoed",)),
    *(Hit(f"wp-backup/db-{n}.sql.gz", n * 1_000_000, ("backup",), ("backup",)) for n in range(7)),
)
CENSUS = Census(
    listed=10_000,
    bytes=9_812_345_678,
    complete=False,
    counts={"backup": 7, "draft": 1, "embargo": 2, "secret": 0},
    hits=HITS,
    example="assets/a.png",
    gaps=(CUT_LISTING,),
)


def judged(ref: ResourceRef, exposure: Exposure | None, *gaps: Gap, **more: object) -> Judged:
    made = Judged(ref, exposure, None, gaps, {})
    return structs.replace(made, **more)


def _estate() -> tuple[list[Judged], list[Finding]]:
    cms, www = bucket("novalab-cms-media"), bucket("novalab-www-assets", "us-east-1")
    logs, docs = bucket("novalab-logs-archive"), bucket("novalab-docs-preview")
    partner, ledger = bucket("novalab-partner"), bucket("novalab-finance-ledger")
    sister = bucket("sister-assets", account=SISTER)
    seen = {ref.name: public(ref.name) for ref in (cms, www, sister)}
    narrowed = undecided(docs.name, CONDITIONS)
    resources = [
        judged(cms, seen[cms.name], CUT_LISTING, census=CENSUS),
        judged(www, seen[www.name], census=Census(listed=240, bytes=9_000_000, example="a.css")),
        judged(logs, undecided(logs.name, POLICY_DENIED), POLICY_DENIED, STATUS_DENIED),
        judged(docs, narrowed),
        judged(partner, shared(partner.name)),
        judged(ledger, shared(ledger.name)),
        judged(sister, seen[sister.name]),
        judged(
            ResourceRef("aws", "aws/account", f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, ACCOUNT),
            None,
        ),
    ]
    findings = [
        fail("aws-bucket-draft-exposed", cms, seen[cms.name], hits=HITS),
        fail("aws-bucket-public-read", cms, seen[cms.name]),
        fail("aws-bucket-public-list", cms, seen[cms.name]),
        fail("aws-bucket-public-read", sister, seen[sister.name]),
        fail("aws-bucket-public-read", www, seen[www.name], suppression=ACCEPTED),
        fail("aws-bucket-shared-outside", partner, shared(partner.name)),
        *(fail("aws-bucket-versioning-off", bucket(f"novalab-run-{n:02}")) for n in range(14)),
        fail("aws-bucket-no-tags", ledger),
        unknown("aws-bucket-public-read", logs, POLICY_DENIED, STATUS_DENIED),
        unknown("aws-bucket-shared-outside", logs, POLICY_DENIED),
        unknown("aws-bucket-public-read", docs, CONDITIONS),
        fail(
            "aws-bucket-broken",
            ledger,
            verdict=Verdict.ERROR,
            evidence=(),
            message="no such key: Statuss",
        ),
    ]
    return resources, findings


def report() -> Report:
    """One of everything: two accounts, each verdict, each kind of gap, suppressions."""
    resources, findings = _estate()
    return assemble(resources, findings)


def assemble(
    resources: list[Judged], findings: list[Finding], gaps: tuple[Gap, ...] | None = None
) -> Report:
    counts = Counter(finding.verdict for finding in findings)
    return Report(
        run=Run(
            id="4c1d0f6f3c7e2a9b8d5e4f3a2b1c0d9e",
            tool_version="0.1.0",
            rules_digest="aa" * 16,
            snapshot_digest="bb" * 16,
            scopes=(Scope("aws", ACCOUNT, "novalab"), Scope("aws", SISTER)),
            gaps=tuple(sorted((ACCOUNTS_THROTTLED, SISTER_DENIED) if gaps is None else gaps)),
            coverage=Coverage(
                resources=len(resources),
                facets_read=1234,
                facets_missing=6,
                objects_listed=10_240,
                counts={**counts, Verdict.PASS: 480, Verdict.NOT_APPLICABLE: 12},
            ),
            now=NOW,
            accepted_gaps=("timeout:logging",),
            rules=len(RULES),
        ),
        findings=tuple(sorted(findings, key=lambda f: f.fingerprint)),
        resources=tuple(sorted(resources, key=lambda j: j.ref.uid)),
        rules=RULES,
        missing_permissions={
            "s3:GetBucketPolicy": 1,
            "s3:GetBucketPolicyStatus": 1,
            "s3:ListAllMyBuckets": 1,
        },
        suppressions_expired=(structs.replace(ACCEPTED, expires="2026-01-31"),),
        suppressions_unused=(structs.replace(ACCEPTED, resource="novalab-gone"),),
        reasons=(
            "4 findings of severity high or worse; the worst is critical",
            "5 facts could not be read",
            "3 verdicts left unknown",
            "1 rules could not be evaluated",
        ),
        exit_code=1,
    )


def clean() -> Report:
    """Nothing found, nothing missing."""
    ledger = bucket("novalab-finance-ledger")
    made = assemble([judged(ledger, shared(ledger.name))], [], gaps=())
    coverage = structs.replace(made.run.coverage, facets_missing=0)
    return structs.replace(
        made,
        run=structs.replace(made.run, coverage=coverage, accepted_gaps=()),
        missing_permissions={},
        suppressions_expired=(),
        suppressions_unused=(),
        reasons=(),
        exit_code=0,
    )


def hostile(text: str) -> Report:
    """Make the same kinds of things, with ``text`` wherever a stranger's text can be."""
    ref = ResourceRef("aws", "aws/bucket", f"arn:aws:s3:::{text}", text, text, text)
    gap = Gap(text, GapReason.PERMISSION_DENIED, text, text, text, text)
    said = Evidence("policy", f"/{text}", Effect.GRANTS, text)
    witness = Witness("GET", f"https://example.com/{text}?list-type=2")
    grant = structs.replace(
        policy_grant("x", 0, Capability.READ, Actor.OUTSIDER),
        principal=text,
        evidence=(said,),
        witness=witness,
    )
    signed = structs.replace(witness, signed=True)
    exposure = expose((grant, structs.replace(grant, capability=Capability.LIST, witness=signed)))
    hit = Hit(text, 1, (text, "draft"), (text,))
    census = Census(listed=1, counts={text: 1}, hits=(hit,), example=text, gaps=(gap,))
    mark = structs.replace(ACCEPTED, reason=text, owner=text)
    findings = [
        fail("aws-bucket-draft-exposed", ref, exposure, message=text, hits=(hit,)),
        fail("aws-bucket-public-read", ref, exposure, message=text, suppression=mark),
        unknown("aws-bucket-shared-outside", ref, gap),
        fail("aws-bucket-broken", ref, verdict=Verdict.ERROR, message=text),
        fail("aws-bucket-versioning-off", ref, message=text),
    ]
    made = assemble([judged(ref, exposure, gap, census=census)], findings, gaps=(gap,))
    run = structs.replace(made.run, scopes=(Scope("aws", text, text, text),))
    rules = tuple(
        structs.replace(r, title=f"T {text}", what=f"W {text}", why=text, fix=Fix(text, text, text))
        for r in RULES
    )
    return structs.replace(
        made,
        run=run,
        rules=rules,
        missing_permissions={text: 1},
        suppressions_expired=(mark,),
        suppressions_unused=(mark,),
        reasons=(f"R {text}",),
    )


def many(findings: int, accounts: int = 1) -> Report:
    """So many findings, spread over accounts and severities."""
    rules = [next(r.id for r in RULES if r.severity == severity) for severity in SEVERITIES]
    made = [
        fail(rules[n % 5], bucket(f"b-{n:06}", account=f"{n % accounts:012}"))
        for n in range(findings)
    ]
    resources = [judged(finding.ref, None) for finding in made]
    report = assemble(resources, made, gaps=())
    scopes = tuple(Scope("aws", f"{n:012}") for n in range(accounts))
    return structs.replace(report, run=structs.replace(report.run, scopes=scopes))
