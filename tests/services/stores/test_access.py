"""Addresses of stores, and what reaching them takes."""

import pytest

from services.stores.access import Access, Tls, addresses
from services.stores.ports import StoreError


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("amqp://one:5672/", [("one", 5672)]),
        ("etcd://one:1,[::1]:2,10.0.0.3:3/service", [("one", 1), ("::1", 2), ("10.0.0.3", 3)]),
    ],
)
def test_addresses_come_in_order(url, found):
    assert addresses(url) == found


@pytest.mark.parametrize("url", ["amqp://one/", "amqp://one:x/", "amqp://one:1,/", "amqp:///", "amqp://one:99999/"])
def test_what_is_not_host_and_port_is_refused(url):
    with pytest.raises(ValueError):
        addresses(url)


def test_a_password_is_not_shown():
    assert "open-sesame" not in repr(Access("chat", "open-sesame"))


@pytest.mark.parametrize("make", [Tls.context, Tls.contents])
def test_a_certificate_that_cannot_be_used_is_named(make, tmp_path):
    missing = str(tmp_path / "ca.crt")
    with pytest.raises(StoreError, match=r"ca\.crt") as caught:
        make(Tls(missing))
    assert not caught.value.retryable
