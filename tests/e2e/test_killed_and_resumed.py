"""A scan that is killed without warning goes on from its snapshot, to the same report."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from tests.support import moto_estate
from tests.support.proxy import Answer, Call, Proxy, proxying

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKETS = 500
PATIENCE = 120.0

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def cloud() -> Iterator[Proxy]:
    with moto_estate.moto() as endpoint:
        s3 = moto_estate.client(endpoint)
        for number in range(BUCKETS):
            s3.create_bucket(Bucket=f"bucket-{number:03}")
        with proxying(endpoint) as proxy:
            yield proxy


def start(proxy: Proxy, *args: str, buckets: str = "bucket-*") -> subprocess.Popen[bytes]:
    """Start ``cachescan aws`` as a process of its own."""
    command = [sys.executable, "-m", "cachescan", "aws", "--bucket", buckets, "--concurrency"]
    environment = {**os.environ, **moto_estate.CREDENTIALS, "AWS_ENDPOINT_URL": proxy.url}
    return subprocess.Popen(
        [*command, "16", "--rule", "aws-bucket-public-read", *args],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A runner in the background ignores SIGINT, and its children inherit that.
        preexec_fn=default_interrupt,  # noqa: PLW1509 (nothing here holds a lock)
    )


def default_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def finish(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    out, err = process.communicate(timeout=PATIENCE)
    assert b"Traceback" not in err, err.decode()
    return process.returncode, out


@pytest.mark.parametrize(
    ("name", "buckets", "half"),
    [("scan.ndjson", "bucket-*", BUCKETS // 2), ("scan.ndjson.gz", "bucket-0*", 50)],
)
def test_the_resumed_report_is_that_of_an_undisturbed_scan(
    cloud: Proxy, tmp_path: Path, name: str, buckets: str, half: int
) -> None:
    snapshot = tmp_path / name
    undisturbed = finish(start(cloud, "-o", "json=-", buckets=buckets))

    killed = start(cloud, "-o", "json=-", "--record", str(snapshot), buckets=buckets)
    wait_for(cloud, half, process=killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=PATIENCE)
    before = cloud.counts["acl"]
    args = ("-o", "json=-", "--record", str(snapshot), "--resume")
    resumed = finish(start(cloud, *args, buckets=buckets))

    assert killed.returncode == -signal.SIGKILL
    assert resumed == undisturbed
    assert 0 < cloud.counts["acl"] - before < 2 * half


def wait_for(cloud: Proxy, buckets: int, *, process: subprocess.Popen[bytes]) -> None:
    """Return once so many more buckets are read."""
    before, deadline = cloud.counts["acl"], time.monotonic() + PATIENCE
    while cloud.counts["acl"] - before < buckets:
        assert process.poll() is None, "the scan ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_interrupt_leaves_a_snapshot_to_go_on_with(cloud: Proxy, tmp_path: Path) -> None:
    snapshot = tmp_path / "scan.ndjson"
    cloud.fault = slowly

    try:
        process = start(cloud, "--record", str(snapshot))
        wait_for(cloud, 50, process=process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        cloud.fault = lambda _call: None

    assert process.returncode == 130, err
    assert "cachescan: interrupted" in err.decode()
    assert out == b""
    assert snapshot.read_bytes().count(b"\n") > 1


def slowly(_call: Call) -> Answer | None:
    """Give the test time to interrupt."""
    time.sleep(0.005)
    return None
