"""Real parts for the tests of the runtime."""

from tests.testbed.calls import calls_network
from tests.testbed.runtime import make_runtime, runtime, valkey

__all__ = ["calls_network", "make_runtime", "runtime", "valkey"]
