"""Token buckets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.limits import RateLimiter, subscriber_of


def test_a_burst_is_allowed_and_then_the_rate() -> None:
    limiter = RateLimiter(2.0, 3)
    assert [limiter.take("a", 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert limiter.take("b", 0.0) == 0.0
    assert limiter.take("a", 0.5) == 0.0
    assert limiter.take("a", 0.5) == 0.5


def test_a_rate_of_zero_is_no_limit() -> None:
    limiter = RateLimiter(0.0, 1)
    assert not any(limiter.take("a", 0.0) for _ in range(1000))


def test_keys_are_forgotten_when_there_are_too_many() -> None:
    limiter = RateLimiter(1.0, 1, capacity=10)
    for index in range(100):
        limiter.take(str(index), 0.0)
    assert len(limiter._full_at) <= 10


@given(
    rate=st.floats(0.1, 1000.0),
    burst=st.integers(1, 50),
    gaps=st.lists(st.floats(0.0, 2.0), min_size=1, max_size=200),
)
def test_never_more_than_the_burst_and_the_rate(rate: float, burst: int, gaps: list[float]) -> None:
    limiter, now, taken = RateLimiter(rate, burst), 0.0, 0
    for gap in gaps:
        now += gap
        wait = limiter.take("key", now)
        if not wait:
            taken += 1
        else:
            assert limiter.take("key", now + wait) == 0.0
            taken += 1
            now += wait
    assert taken <= burst + rate * now + 1e-6


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:DB8:1:2:0:0:0:9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("unknown", "unknown", True),
        ("unknown", "hidden", False),
        ("", "unknown", False),
    ],
)
def test_addresses_of_one_subscriber_count_as_one(one: str, other: str, same: bool) -> None:
    assert (subscriber_of(one) == subscriber_of(other)) is same


@given(st.text(max_size=64))
def test_whatever_a_proxy_names_can_be_counted(text: str) -> None:
    assert isinstance(subscriber_of(text), str)
