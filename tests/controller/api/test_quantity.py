"""What a person writes as a size, a number of cores or a duration, and what it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.quantity import bytes_of, cores_of, seconds_of, short_bytes_of, show_bytes, show_seconds


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", 0),
        ("1024", 1024),
        ("1k", 1000),
        ("1Ki", 1024),
        ("512Mi", 512 * 2**20),
        ("1.5Gi", 3 * 2**29),
        ("20G", 20 * 10**9),
    ],
)
def test_a_size_is_bytes(text: str, amount: int) -> None:
    assert bytes_of(text) == amount


@pytest.mark.parametrize(
    ("text", "amount"), [("10m", 10 * 2**20), ("1g", 2**30), ("64k", 65_536), ("512Mi", 512 * 2**20)]
)
def test_a_short_size_is_bytes_as_docker_and_the_jvm_mean_them(text: str, amount: int) -> None:
    assert short_bytes_of(text) == amount


@pytest.mark.parametrize("text", ["", "Mi", "-1", "1 Gi", "1mi", "512m", "1e3", "0x10", "1Gi\n", "١Gi"])
def test_what_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        bytes_of(text)


@pytest.mark.parametrize(("text", "cores"), [("500m", 0.5), ("2", 2.0), ("0.25", 0.25)])
def test_cpu_is_cores(text: str, cores: float) -> None:
    assert cores_of(text) == cores


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("1h30m", 5400), ("14d", 1_209_600), ("250ms", 0.25), ("1w", 604_800)]
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "s", "-1s", "1.5h", "1h 30m", "30s\n"])
def test_what_is_not_a_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds_of(text)


@given(st.integers(0, 10**15 - 1))
def test_bytes_are_shown_exactly(amount: int) -> None:
    assert bytes_of(show_bytes(amount)) == amount


@given(st.integers(0, 10**8))
def test_seconds_are_shown_exactly(amount: int) -> None:
    assert seconds_of(show_seconds(amount)) == amount
