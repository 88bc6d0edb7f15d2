from tests.testbed.runtime import make_runtime, runtime, valkey

__all__ = ["make_runtime", "runtime", "valkey"]
