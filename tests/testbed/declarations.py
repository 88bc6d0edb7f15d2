"""Any valid declaration of a ChatSystem, for tests of laws."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from services.catalogue import BY_NAME

sizes = st.builds("{}{}".format, st.integers(1, 900), st.sampled_from(["Mi", "Gi", "M"]))
durations = st.builds("{}{}".format, st.integers(1, 59), st.sampled_from(["s", "m", "h"]))
names = st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
system_names = names | st.from_regex(r"[a-z][-a-z0-9]{38}[a-z0-9]", fullmatch=True)
endpoints = st.builds("{}:{}".format, names, st.integers(1, 65535))


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Documents with any subset of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


SERVICE = {
    "replicas": st.integers(0, 5),
    "resources": some(
        requests=some(cpu=st.just("100m"), memory=st.just("64Mi")),
        limits=some(
            cpu=st.integers(1, 8), memory=sizes.filter(lambda s: not s.endswith("M")).map(lambda s: s[:-2] + "Gi")
        ),
    ),
    "placement": some(node=names, constraints=st.just(["node.role == worker"])),
    "environment": st.dictionaries(
        st.from_regex(r"[A-Z][A-Z0-9_]{0,10}", fullmatch=True),
        st.text(max_size=5) | st.sampled_from(["$(HOME)", "a $(POD_NAME)", "{instance}", "http://10.1.2.3/x"]),
        max_size=3,
    ),
    "stopGrace": durations,
}
service = some(**SERVICE) | st.builds(
    lambda rest, scaling: {**rest, "replicas": 2, "autoscaling": scaling, "resources": {"requests": {"cpu": "100m"}}},
    some(**{key: value for key, value in SERVICE.items() if key in ("placement", "environment")}),
    st.fixed_dictionaries({"max": st.integers(2, 9)}, optional={"min": st.integers(1, 2)}),
)
exposure = some(
    http=st.integers(1, 9000),
    websocket=st.integers(9001, 65535),
    type=st.sampled_from(["LoadBalancer", "NodePort", "ClusterIP"]),
    hostname=names,
    annotations=st.dictionaries(names, st.text(max_size=5), max_size=2),
    tls=st.fixed_dictionaries({"secretName": names}),
) | st.fixed_dictionaries(
    {"type": st.just("Ingress"), "hostname": names},
    optional={"ingressClassName": names, "tls": st.fixed_dictionaries({"secretName": names})},
)
stores = some(
    mysql=st.fixed_dictionaries({"managed": some(storage=sizes, placement=some(node=names))})
    | st.fixed_dictionaries(
        {"external": st.fixed_dictionaries({"endpoints": st.lists(endpoints, min_size=1, max_size=3)})}
    ),
    redis=st.fixed_dictionaries({"managed": some(persistence=st.sampled_from(["none", "rdb", "aof"]))}),
    elasticsearch=st.fixed_dictionaries({"managed": some(heap=st.sampled_from(["512m", "1g"]))}),
    rabbitmq=st.fixed_dictionaries({"managed": some(management=st.booleans())})
    | st.fixed_dictionaries(
        {
            "external": st.fixed_dictionaries(
                {"endpoints": st.lists(endpoints, min_size=1, max_size=3), "secretName": names},
                optional={"tls": some(caSecret=names, clientSecret=names)},
            )
        }
    ),
    files=st.fixed_dictionaries({"s3": st.just({"bucket": "abc", "secretName": "s"})})
    | st.fixed_dictionaries(
        {"managed": some(storage=sizes, accessMode=st.sampled_from(["ReadWriteOnce", "ReadWriteMany"]))}
    ),
)
systems = st.fixed_dictionaries(
    {
        "apiVersion": st.just("chatsystem.dev/v1alpha1"),
        "kind": st.just("ChatSystem"),
        "metadata": st.fixed_dictionaries(
            {"name": system_names}, optional={"labels": st.dictionaries(names, names, max_size=2)}
        ),
        "spec": st.fixed_dictionaries(
            {"version": st.from_regex(r"[0-9]\.[0-9]\.[0-9]", fullmatch=True)},
            optional={
                "services": some(**dict.fromkeys(BY_NAME, service)),
                "stores": stores,
                "exposure": exposure,
                "release": some(observe=durations, onFailure=st.sampled_from(["rollback", "pause"])),
                "backup": some(schedule=st.just("0 3 * * *"), timeZone=st.sampled_from(["UTC", "Asia/Shanghai"])),
                "suspend": st.booleans(),
                "local": some(processes=st.sampled_from(["Shared", "PerService"])),
            },
        ),
    }
)
