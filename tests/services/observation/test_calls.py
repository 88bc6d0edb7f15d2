"""Calls to other processes, the replicas there are, and thread pools, as metrics."""

import asyncio
import threading

import pytest
from prometheus_client import CollectorRegistry

from services.observation.calls import ObservedRegistry, observed_calls
from services.observation.pools import Pools
from services.observation.push import PushCollector
from services.protocol.gateway_pb2 import DeliveryBatch
from services.protocol.user_pb2 import UserLoginRsp
from services.runtime.pool import BoundedPool, Overloaded
from services.runtime.rpc import Unavailable
from services.stores.ports import Instance
from tests.testbed.push import LocalPushBus


async def test_calls_are_counted_by_what_became_of_them():
    registry = CollectorRegistry()
    answers = iter([UserLoginRsp(success=True), UserLoginRsp(success=False), Unavailable("away")])

    async def remote(service, method, request, timeout):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    call = observed_calls(remote, registry)
    await call("user", "UserLogin", None, 1.0)
    await call("user", "UserLogin", None, 1.0)
    with pytest.raises(Unavailable):
        await call("user", "UserLogin", None, 1.0)
    for result in ("ok", "refused", "unavailable"):
        labels = {"service": "user", "method": "UserLogin", "result": result}
        assert registry.get_sample_value("chatsystem_rpc_call_seconds_count", labels) == 1


async def test_the_replicas_that_a_process_sees_are_counted_and_passed_on():
    metrics, seen = CollectorRegistry(), []

    class Registry:
        async def watch(self, changed):
            changed("user", [Instance("user", "a", "h:1"), Instance("user", "b", "h:2")])
            changed("user", [])

    await ObservedRegistry(Registry(), metrics).watch(lambda service, instances: seen.append(len(instances)))
    assert seen == [2, 0]
    assert metrics.get_sample_value("chatsystem_registry_replicas", {"service": "user"}) == 0


async def test_a_pool_shows_what_runs_what_waits_and_what_it_refused():
    metrics, release = CollectorRegistry(), threading.Event()
    pool = BoundedPool("work", workers=1, queue_limit=2)
    Pools(metrics).watch(pool)
    calls = [asyncio.ensure_future(pool.run(release.wait, 5)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await pool.run(release.wait, 5)
    value = {
        name: metrics.get_sample_value(f"chatsystem_pool_{name}", {"pool": "work"})
        for name in ("workers", "running", "waiting", "refused_total")
    }
    release.set()
    await asyncio.gather(*calls)
    await pool.close()
    assert value == {"workers": 1, "running": 1, "waiting": 2, "refused_total": 1}


async def test_pushes_are_counted():
    metrics, bus = CollectorRegistry(), LocalPushBus()
    metrics.register(PushCollector(bus))
    await bus.publish(DeliveryBatch())
    assert metrics.get_sample_value("chatsystem_push_batches_total") == 1
    assert metrics.get_sample_value("chatsystem_push_dropped_total", {"reason": "cache"}) == 0
