"""Each kind of mistake in a declaration, the place that is named, what is said and what is advised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from controller.api.problem import InvalidDocument
from controller.api.validate import parse

GATEWAY = "spec.services.gateway"
MYSQL = "spec.stores.mysql"

WRONG: list[tuple[dict[str, Any], str, str, str]] = [
    ({"version": 1.2}, "spec.version", "1.2 is not a text", 'put it in quotes: "1.2"'),
    ({"version": ""}, "spec.version", "an empty text is not a tag of an image", "write a version in quotes"),
    ({"version": "a b"}, "spec.version", "is not a tag of an image", "write a version in quotes"),
    ({"expossure": {}}, "spec.expossure", "is not a known field", "did you mean exposure?"),
    ({"Exposure": {}}, "spec.Exposure", "is not a known field", "did you mean exposure?"),
    ({"zzz": {}}, "spec.zzz", "is not a known field", "known here: version, image"),
    ({"image": {"repository": "a:b:c"}}, "spec.image.repository", "is not a repository", "without tag"),
    ({"image": {"tag": "1", "digest": "sha256:" + "0" * 64}}, "spec.image.tag", "both given", "keep one of them"),
    ({"image": {"digest": "sha256:0"}}, "spec.image.digest", "is not a digest", "64 hexadecimal digits"),
    ({"image": {"pullPolicy": "always"}}, "spec.image.pullPolicy", '"always" is not allowed', "did you mean Always?"),
    ({"services": None}, "spec.services", "nothing is not a mapping", "remove it"),
    ({"services": []}, "spec.services", "a list is not a mapping", "write fields below it"),
    ({"services": {"gatway": {}}}, "spec.services.gatway", "is not a known field", "did you mean gateway?"),
    (
        {"services": {"gateway": {"replicas": True}}},
        f"{GATEWAY}.replicas",
        "true is not a whole number",
        "without quotes",
    ),
    (
        {"services": {"gateway": {"replicas": "3"}}},
        f"{GATEWAY}.replicas",
        '"3" is not a whole number',
        "without quotes",
    ),
    ({"services": {"gateway": {"replicas": -1}}}, f"{GATEWAY}.replicas", "-1 is too small", "use at least 0"),
    ({"services": {"gateway": {"replicas": 1.5}}}, f"{GATEWAY}.replicas", "1.5 is not a whole number", "without"),
    (
        {"services": {"store": {"config": {"poolsize": 1}}}},
        "spec.services.store.config.poolsize",
        "is not a known field",
        "did you mean poolSize?",
    ),
    (
        {"services": {"store": {"config": {"poolSize": 0}}}},
        "spec.services.store.config.poolSize",
        "0 is too small",
        "use at least 1",
    ),
    (
        {"services": {"store": {"config": {"poolSize": 999}}}},
        "spec.services.store.config.poolSize",
        "999 is too large",
        "use at most 256",
    ),
    (
        {"services": {"gateway": {"config": {"maxBodySize": "1Ki"}}}},
        f"{GATEWAY}.config.maxBodySize",
        "1Ki is too little",
        "use at least 64Ki",
    ),
    (
        {"services": {"gateway": {"config": {"web": "yes"}}}},
        f"{GATEWAY}.config.web",
        '"yes" is not true or false',
        "without quotes",
    ),
    (
        {"services": {"user": {"config": {"codeLifetime": "2h"}}}},
        "spec.services.user.config.codeLifetime",
        "2h is too much",
        "use at most 1h",
    ),
    (
        {"services": {"gateway": {"resources": {"limits": {"cpu": 0.5}}}}},
        f"{GATEWAY}.resources.limits.cpu",
        "0.5 is not a text",
        'put it in quotes: "0.5"',
    ),
    (
        {"services": {"gateway": {"resources": {"limits": {"memory": "512m"}}}}},
        f"{GATEWAY}.resources.limits.memory",
        "'512m' is not a size",
        "512Mi",
    ),
    (
        {"services": {"gateway": {"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "512Mi"}}}}},
        f"{GATEWAY}.resources.requests.memory",
        "the request of memory is more than its limit",
        "raise limits.memory",
    ),
    (
        {"services": {"gateway": {"resources": {"requests": {"cpu": 2}, "limits": {"cpu": "1500m"}}}}},
        f"{GATEWAY}.resources.requests.cpu",
        "the request of cpu is more than its limit",
        "lower requests.cpu",
    ),
    (
        {"services": {"gateway": {"autoscaling": {"min": 5, "max": 3}, "resources": {"requests": {"cpu": "1"}}}}},
        f"{GATEWAY}.autoscaling.min",
        "min is more than max",
        "raise max",
    ),
    (
        {"services": {"gateway": {"autoscaling": {"max": 1}, "resources": {"requests": {"cpu": "1"}}}}},
        f"{GATEWAY}.autoscaling.min",
        "min is more than max",
        "lower min",
    ),
    (
        {"services": {"gateway": {"autoscaling": {}, "resources": {"requests": {"cpu": "1"}}}}},
        f"{GATEWAY}.autoscaling.max",
        "is required",
        "add max",
    ),
    (
        {
            "services": {
                "gateway": {"autoscaling": {"max": 3, "scaleDownDelay": "2h"}, "resources": {"requests": {"cpu": "1"}}}
            }
        },
        f"{GATEWAY}.autoscaling.scaleDownDelay",
        "2h is too much",
        "use at most 1h",
    ),
    (
        {"services": {"user": {"autoscaling": {"max": 3}, "resources": {"limits": {"memory": "1Gi"}}}}},
        "spec.services.user.resources.requests.cpu",
        "nothing is requested",
        "set resources.requests.cpu",
    ),
    (
        {"services": {"gateway": {"replicas": 0, "autoscaling": {"max": 3}, "resources": {"requests": {"cpu": "1"}}}}},
        f"{GATEWAY}.autoscaling",
        "0 replicas is absent",
        "remove autoscaling",
    ),
    (
        {"services": {"gateway": {"config": {"drainWindow": "1m"}}}},
        f"{GATEWAY}.stopGrace",
        "ends before config.drainWindow",
        "make stopGrace longer",
    ),
    (
        {"services": {"gateway": {"environment": {"A B": "x"}}}},
        f'{GATEWAY}.environment["A B"]',
        "does not have the right form",
        "it has to match",
    ),
    (
        {"services": {"gateway": {"environment": {"A": 1}}}},
        f"{GATEWAY}.environment.A",
        "1 is not a text",
        'put it in quotes: "1"',
    ),
    (
        {"services": {"gateway": {"placement": {"constraints": ["edge"]}}}},
        f"{GATEWAY}.placement.constraints[0]",
        "does not have the right form",
        "it has to match",
    ),
    (
        {"services": {"gateway": {"placement": {"constraints": "a==b"}}}},
        f"{GATEWAY}.placement.constraints",
        "is not a list",
        "write it as a list",
    ),
    ({"services": {"gateway": {"stopGrace": "30"}}}, f"{GATEWAY}.stopGrace", "'30' is not a duration", "30s"),
    ({"stores": {"mysql": {}}}, MYSQL, "exactly one of managed and external is needed", "write managed: {}"),
    (
        {"stores": {"mysql": {"managed": None}}},
        MYSQL,
        "exactly one of managed and external is needed",
        "write managed: {}",
    ),
    (
        {"stores": {"mysql": {"managed": {}, "external": {"endpoints": ["a:1"]}}}},
        MYSQL,
        "exactly one of",
        "remove the other",
    ),
    (
        {"stores": {"mysql": {"managed": {"storage": "lots"}}}},
        f"{MYSQL}.managed.storage",
        "'lots' is not a size",
        "20Gi",
    ),
    (
        {"stores": {"mysql": {"managed": {"heap": "1g"}}}},
        f"{MYSQL}.managed.heap",
        "is not a known field",
        "known here: image, version",
    ),
    (
        {"stores": {"mysql": {"external": {"endpoints": []}}}},
        f"{MYSQL}.external.endpoints",
        "is too short",
        "give at least 1",
    ),
    (
        {"stores": {"etcd": {"external": {"endpoints": ["10.0.0.5"]}}}},
        "spec.stores.etcd.external.endpoints[0]",
        "is not an address of the form host:port",
        "10.0.0.5:2379",
    ),
    (
        {"stores": {"elasticsearch": {"external": {"endpoints": ["http://me:pw@es:9200"]}}}},
        "spec.stores.elasticsearch.external.endpoints[0]",
        "without a password",
        "credentials belong in the secret",
    ),
    (
        {"stores": {"redis": {"managed": {"persistence": "off"}}}},
        "spec.stores.redis.managed.persistence",
        '"off" is not allowed',
        "did you mean aof?",
    ),
    (
        {"stores": {"elasticsearch": {"managed": {"heap": "10"}}}},
        "spec.stores.elasticsearch.managed.heap",
        "10 is too little",
        "use at least 64Ki",
    ),
    ({"stores": {"files": {"s3": {"secretName": "s"}}}}, "spec.stores.files.s3.bucket", "is required", "add bucket"),
    (
        {"exposure": {"http": 9000, "websocket": 9000}},
        "spec.exposure.websocket",
        "are the same port",
        "for example 9000 and 9001",
    ),
    ({"exposure": {"websocket": 9000}}, "spec.exposure.websocket", "are the same port", "for example 9000 and 9001"),
    ({"exposure": {"http": 70000}}, "spec.exposure.http", "70000 is too large", "use at most 65535"),
    ({"exposure": {"type": "Ingress"}}, "spec.exposure.hostname", "an Ingress needs a host name", "set hostname"),
    (
        {"exposure": {"ingressClassName": "nginx"}},
        "spec.exposure.ingressClassName",
        "has no effect",
        "set type: Ingress",
    ),
    ({"network": {"subnet": "10.77.0.1/16"}}, "spec.network.subnet", "is not a network", "10.77.0.0/16"),
    ({"network": {"subnet": "10.77.0.0/30"}}, "spec.network.subnet", "has too few addresses", "at most 28 bits"),
    ({"logging": {"maxFile": 0}}, "spec.logging.maxFile", "0 is too small", "use at least 1"),
    ({"logging": {"maxSize": float("nan")}}, "spec.logging.maxSize", "nan is not a number", "write a finite number"),
    (
        {"release": {"onFailure": "Rollback"}},
        "spec.release.onFailure",
        '"Rollback" is not allowed',
        "did you mean rollback?",
    ),
    ({"release": {"window": "25:00-26:00"}}, "spec.release.window", "does not have the right form", "it has to match"),
    ({"backup": {"schedule": "daily"}}, "spec.backup.schedule", "is not a cron schedule", "five fields"),
    ({"backup": {"schedule": "0 25 * * *"}}, "spec.backup.schedule", "is not a cron schedule", "five fields"),
    ({"backup": {"schedule": "0 3 * * * *"}}, "spec.backup.schedule", "is not a cron schedule", "five fields"),
    ({"backup": {"timeZone": "Asia/Beijing"}}, "spec.backup.timeZone", "is not a time zone", "Asia/Shanghai"),
    ({"backup": {"timeZone": "America"}}, "spec.backup.timeZone", "is not a time zone", "Asia/Shanghai"),
    (
        {"backup": {"destination": {}}},
        "spec.backup.destination",
        "exactly one of volume, folder, s3 is needed",
        "keep one",
    ),
    ({"backup": {"keep": {"count": 0}}}, "spec.backup.keep.count", "0 is too small", "use at least 1"),
    (
        {"deletionPolicy": "Keep"},
        "spec.deletionPolicy",
        '"Keep" is not allowed',
        "known here: Retain, Delete, BackupThenDelete",
    ),
    (
        {"notifications": {"webhook": {}}},
        "spec.notifications.webhook",
        "exactly one of url and secretName",
        "keep url or secretName",
    ),
    ({"local": {"address": "localhost"}}, "spec.local.address", "is not an IP address", "127.0.0.1"),
    ({"local": {"processes": "perService"}}, "spec.local.processes", "is not allowed", "did you mean PerService?"),
]


@pytest.mark.parametrize(("spec", "path", "message", "remedy"), WRONG, ids=[f"{case[1]}: {case[2]}" for case in WRONG])
def test_a_mistake_is_named_with_its_place_and_remedy(
    system: Callable[..., dict[str, Any]], spec: dict[str, Any], path: str, message: str, remedy: str
) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse(system(**spec))
    found = {problem.path: problem for problem in caught.value.problems}
    assert list(found) == [path]
    assert message in found[path].message
    assert remedy in found[path].remedy
