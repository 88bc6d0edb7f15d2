"""Who may talk to whom."""

from __future__ import annotations

from typing import Any

import pytest

from controller.targets.kubernetes.render import graph
from controller.targets.kubernetes.render.manifest import Manifest, Rendering
from services.catalogue import BY_NAME
from tests.controller.targets.kubernetes.render.test_laws import connections
from tests.testbed.manifests import declaration, found, rendered

STORES = {"mysql": 3306, "redis": 6379, "rabbitmq": 5672, "elasticsearch": 9200, "etcd": 2379}
RPC = {name: service.port for name, service in BY_NAME.items() if name != "gateway"}
ALL = {"ipBlock": {"cidr": "0.0.0.0/0"}}


def expected() -> set[tuple[str, str, int]]:
    """From the catalogue alone: who calls whom, and who has which store. Everybody has the registry."""
    found = {(name, callee, RPC[callee]) for name, service in BY_NAME.items() for callee in service.depends_on}
    for name, service in BY_NAME.items():
        for store in {*service.stores, "etcd"} & set(STORES):
            found.add((name, store, STORES[store]))
    return found | {("migration", "mysql", 3306)}


def policy(rendering: Rendering, name: str) -> Manifest:
    spec: Manifest = found(rendering, "NetworkPolicy", f"acme-{name}")["spec"]
    return spec


def ports(rules: list[Manifest]) -> set[int]:
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_the_policies_allow_the_graph_of_the_catalogue_and_nothing_else() -> None:
    assert connections(rendered(declaration()), "egress", "to") == expected()


def test_without_a_rule_nothing_passes_but_questions_for_names() -> None:
    spec = policy(rendered(declaration()), "default-deny")
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in spec
    assert ports(spec["egress"]) == {53}
    # Every pod of the system, whatever its component.
    labels = {"app.kubernetes.io/name": "chatsystem", "app.kubernetes.io/instance": "acme"}
    assert spec["podSelector"] == {"matchLabels": labels}


def test_only_the_public_ports_of_the_gateway_are_open_to_everybody() -> None:
    open_to_all = {
        (item["metadata"]["name"], port["port"])
        for item in rendered(declaration()).manifests
        if item["kind"] == "NetworkPolicy"
        for rule in item["spec"].get("ingress", [])
        if "from" not in rule
        for port in rule["ports"]
    }
    assert open_to_all == {("acme-gateway", 9000), ("acme-gateway", 9001)}


def test_metrics_are_open_to_the_cluster_and_the_management_page_to_nobody() -> None:
    made = rendered(declaration())
    inside = [{"namespaceSelector": {}}]
    assert {"from": inside, "ports": [{"port": 10104, "protocol": "TCP"}]} in policy(made, "transmit")["ingress"]
    assert ports(policy(made, "rabbitmq")["ingress"]) == {5672}


def test_a_store_starts_no_connection() -> None:
    made = rendered(declaration())
    for store in STORES:
        assert "egress" not in policy(made, store)


@pytest.mark.parametrize(
    ("stores", "peers", "port"),
    [
        ({"mysql": {"external": {"endpoints": ["10.0.0.5:3307"]}}}, [{"ipBlock": {"cidr": "10.0.0.5/32"}}], 3307),
        ({"mysql": {"external": {"endpoints": ["[fd00::5]:3307"]}}}, [{"ipBlock": {"cidr": "fd00::5/128"}}], 3307),
        ({"redis": {"external": {"endpoints": ["cache.internal:6380"]}}}, [ALL, {"ipBlock": {"cidr": "::/0"}}], 6380),
        (
            {"elasticsearch": {"external": {"endpoints": ["https://10.0.0.7"]}}},
            [{"ipBlock": {"cidr": "10.0.0.7/32"}}],
            443,
        ),
    ],
)
def test_an_external_store_may_be_reached(stores: dict[str, Any], peers: list[Manifest], port: int) -> None:
    egress = policy(rendered(declaration(stores=stores)), "store")["egress"]
    assert {"to": peers, "ports": [{"port": port, "protocol": "TCP"}]} in egress


def test_a_bucket_without_an_address_is_somewhere_behind_https() -> None:
    stores = {"files": {"s3": {"bucket": "chat", "secretName": "keys"}}}
    made = rendered(declaration(stores=stores))
    assert 443 in ports(policy(made, "file")["egress"])
    assert 443 not in ports(policy(made, "transmit")["egress"])


def test_what_a_person_tells_a_service_to_reach_may_be_reached() -> None:
    services = {"user": {"environment": {"CHATSYSTEM_TRACING_ENDPOINT": "http://10.9.9.9:4318"}}}
    egress = policy(rendered(declaration(services=services)), "user")["egress"]
    assert {"to": [{"ipBlock": {"cidr": "10.9.9.9/32"}}], "ports": [{"port": 4318, "protocol": "TCP"}]} in egress


def test_an_errand_reaches_every_store_and_each_lets_it_in() -> None:
    made = rendered(declaration(stores={"etcd": {"external": {"endpoints": ["10.0.0.5:2379"]}}}))
    errands = policy(made, "errands")
    assert errands["podSelector"]["matchLabels"]["chatsystem.dev/errand"] == "true"
    assert ports(errands["egress"]) == set(STORES.values())
    for store, port in STORES.items():
        if store != "etcd":
            rule = {"from": [{"podSelector": errands["podSelector"]}], "ports": [{"port": port, "protocol": "TCP"}]}
            assert rule in policy(made, store)["ingress"]


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("mysql://a:1,b:2/chen_im", [("a", 1), ("b", 2)]),
        ("https://a,https://b:9200/x", [("a", 443), ("b", 9200)]),
        ("amqp://a/vhost", [("a", 5672)]),
        ("file:///var/lib", []),
        ("sqlite:////a,b", []),
        ("none:", []),
        ("redis://[fd00::1]:7/0", [("fd00::1", 7)]),
        ("http://0.0.0.0:2379", []),
        ("http://[broken", []),
        ("a,b", []),
    ],
)
def test_hosts_are_found_in_what_a_variable_says(text: str, hosts: list[tuple[str, int]]) -> None:
    assert list(graph._hosts(text)) == hosts
