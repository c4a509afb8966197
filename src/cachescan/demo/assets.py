"""What lies in the demo's buckets: a website's worth of ordinary files, and one that is not."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SEED = 20261208
ORDINARY_ASSETS = 2000
DRAFT_KEY = "uploads/2026/11/embargoed-draft-announcing-nova-meridian-2.html"
DRAFT_TITLE = "Announcing Nova Meridian 2"
DRAFT = f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{DRAFT_TITLE}</title></head>
<body>
<p><strong>DRAFT - not for publication before 8 December 2026, 15:00 UTC</strong></p>
<h1>{DRAFT_TITLE}</h1>
<p>Today Nova Lab introduces Meridian 2, the most capable model we have trained. It is a step
change in long-horizon planning, and the first of our models that we release to partners only,
because of what it can do unattended.</p>
<h2>Availability</h2>
<p>[TBC with partnerships: list of launch partners, pricing, safety report]</p>
</body>
</html>
"""
SENSITIVE_ASSETS = (
    "uploads/2026/11/meridian-2-benchmarks-unreleased.pdf",
    "uploads/2026/11/meridian-2-hero-embargoed-1920x1080.webp",
    "uploads/2026/10/board-retreat-invitation-confidential.pdf",
    "backups/cms-2026-11-02.sql.gz",
    "config/.env.bak",
)
LOOKALIKE_ASSETS = (
    "img/blog/draughts-and-self-play-1200x630.a81c04de.webp",
    "img/blog/aircraft-drafting-benchmark-1200x630.5d0f9b21.webp",
    "papers/2024-unreleasedness-is-not-a-word.pdf",
    "img/team/kay-credentia.3b7e1f90.jpg",
)
"""Names that hold a telling word only inside another word: a scan must not report them."""

_TOPICS = ("interpretability", "scaling", "alignment", "robotics", "agents", "vision", "speech")
_WORDS = ("notes", "results", "overview", "case-study", "interview", "primer", "update", "launch")
_PEOPLE = ("ada", "grace", "alan", "edsger", "barbara", "donald", "katherine", "john", "radia")
_SHAPES = ((400, 300), (800, 600), (1200, 630), (1920, 1080))
_MAGIC: Mapping[str, bytes] = {
    "png": b"\x89PNG\r\n\x1a\n",
    "jpg": b"\xff\xd8\xff\xe0",
    "webp": b"RIFF\x00\x00\x00\x00WEBP",
    "pdf": b"%PDF-1.7\n",
    "woff2": b"wOF2",
    "gz": b"\x1f\x8b\x08",
}
_TYPES: Mapping[str, str] = {
    "css": "text/css",
    "html": "text/html; charset=utf-8",
    "jpg": "image/jpeg",
    "js": "text/javascript",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webp": "image/webp",
    "woff2": "font/woff2",
}


def cms_keys() -> list[str]:
    """Return the CMS bucket's keys, the same ones every time: about 2,000 ordinary, few not."""
    chance = random.Random(SEED)  # noqa: S311 -- a decor, not a secret
    ordinary: set[str] = set()
    while len(ordinary) < ORDINARY_ASSETS:
        ordinary.add(_ordinary_key(chance))
    return sorted({*ordinary, *SENSITIVE_ASSETS, *LOOKALIKE_ASSETS, DRAFT_KEY})


def _ordinary_key(chance: random.Random) -> str:
    """Return one key as a CMS or a bundler would name it."""
    topic, word = chance.choice(_TOPICS), chance.choice(_WORDS)
    digest = f"{chance.getrandbits(32):08x}"
    width, height = chance.choice(_SHAPES)
    year, month = chance.randint(2023, 2026), chance.randint(1, 10)
    return chance.choice(
        (
            f"img/blog/{topic}-{word}-{width}x{height}.{digest}.webp",
            f"img/blog/{topic}-{word}-{width}x{height}.{digest}.jpg",
            f"img/team/{chance.choice(_PEOPLE)}-{width}.{digest}.jpg",
            f"production/{digest}{chance.getrandbits(96):024x}-{width}x{height}.png",
            f"uploads/{year}/{month:02}/{topic}-{word}-{digest}.png",
            f"papers/{year}-{topic}-{word}-{digest[:4]}.pdf",
            f"static/css/{topic}.{digest}.css",
            f"static/js/chunk-{digest}.js",
            f"static/fonts/nova-sans-{width}.{digest}.woff2",
            f"icons/{topic}-{digest[:4]}.svg",
        )
    )


def body(key: str) -> bytes:
    """Return believable bytes for a key: the draft's text, or a header and seeded noise."""
    if key == DRAFT_KEY:
        return DRAFT.encode()
    suffix = key.rpartition(".")[2]
    if suffix in _MAGIC:
        noise = random.Random(f"{SEED}{key}")  # noqa: S311
        return _MAGIC[suffix] + noise.randbytes(noise.randint(200, 2000))
    return f"/* Nova Lab, sample data of the cachescan demo: {key!a} */\n".encode()


def content_type(key: str) -> str:
    """Return the media type that a key's suffix stands for."""
    return _TYPES.get(key.rpartition(".")[2], "application/octet-stream")
