"""The names that ship say what they should of keys as people write them."""

from __future__ import annotations

import pytest

from cachescan.census.names import load_names
from cachescan.rules import builtin_rules

MATCHER = load_names(builtin_rules() / "names")

TELLING = {
    "draft": (
        "posts/DraftAnnouncement.docx",
        "cms/_drafts/image.png",
        "press/launch_draft2.pdf",
        "2026/entwurf-pressemitteilung.pdf",
        "work-in-progress/figure.webp",
    ),
    "unreleased": (
        "tracks/unreleased/07.flac",
        "blog/not-yet-announced.html",
        "q3/Launch Plan.pptx",
    ),
    "embargo": (
        "press/EMBARGOED until 9am.pdf",
        "board/minutes (confidential).docx",
        "kit/not-for-publication.zip",
        "hr/internal_use_only.xlsx",
    ),
    "model_artifact": (
        "runs/88/model-00001-of-00191.safetensors",
        "export/Q4_K_M.gguf",
        "hf/pytorch_model.bin",
        "tf/saved_model.pb",
        "ckpt/0120000/rank0",
    ),
    "secret": (
        "app/.env",
        "backup/.env.production",
        ".ssh/id_rsa",
        ".ssh/id_ed25519",
        "certs/server.key",
        "infra/prod.tfstate",
        "gcp/service-account-key.json",
        ".aws/credentials",
        "ops/kubeconfig",
    ),
    "backup": ("nightly/site-backup-2026-11-02.tar.gz", "Backups/host1.img", "www/index.php.bak"),
    "database_dump": ("pg/2026-11-20.dump", "shop.sql.gz", "mongo/users.bson", "old/db_dump.tar"),
    "pii_export": (
        "crm/customers.csv",
        "reports/user-export-2026.json",
        "hr/payroll_2026.xlsx",
        "out/export_users.parquet",
        "clinic/patient-records.pdf",
    ),
}
PLAIN = (
    "img/aircraft-drafting.webp",
    "music/updraft.mp3",
    "node_modules/draft-js/lib/Draft.js",
    "bank/overdraft-terms.pdf",
    "static/js/draft.js",
    "icons/draft.svg",
    "src/backup/restore.py",
    "help/how-to-backup.html",
    "img/backup-hero.png",
    "db/migrations/0042_users.sql",
    "schemas/shop.sql",
    "keys/id_rsa.pub",
    "app/.env.example",
    "decks/launch.key",
    "tests/fixtures/server.key",
    "locales/pt.json",
    "i18n/messages.pt",
    "docs/model-weights.md",
    "ec2/user-data.sh",
    "sales/monkey.csv",
    "papers/2024-unreleasedness.pdf",
    "papers/secrets-of-scaling.pdf",
    "video/remodelled-kitchen.mp4",
)


@pytest.mark.parametrize(
    ("category", "key"), [(name, key) for name, keys in TELLING.items() for key in keys]
)
def test_a_telling_name_hits_its_category(category: str, key: str) -> None:
    assert category in [match.category for match in MATCHER.match(key)]


@pytest.mark.parametrize("key", PLAIN)
def test_a_name_that_only_looks_telling_hits_nothing(key: str) -> None:
    assert MATCHER.match(key) == ()


def test_every_category_is_shown_by_keys() -> None:
    assert set(MATCHER.categories) == set(TELLING)
