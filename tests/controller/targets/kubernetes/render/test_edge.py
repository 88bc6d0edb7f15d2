"""How people reach the gateway."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.validate import parse_system
from controller.targets.kubernetes.blueprint import blueprint_of
from controller.targets.kubernetes.render.manifest import EDGE, Rendering
from tests.testbed.manifests import declaration, found, rendered

TLS = {"secretName": "chat-tls"}


def with_exposure(**exposure: Any) -> Rendering:
    return rendered(declaration(exposure=exposure))


def service(made: Rendering) -> dict[str, Any]:
    return found(made, "Service", "acme-edge")


def settings(made: Rendering) -> dict[str, str]:
    (data,) = (
        item["data"]
        for item in made.manifests
        if item["kind"] == "ConfigMap" and "-gateway-" in item["metadata"]["name"]
    )
    return data


def test_a_load_balancer_shows_the_gateway_the_addresses_of_its_clients() -> None:
    spec = service(with_exposure(annotations={"cloud/internal": "true"}))
    assert spec["spec"]["type"] == "LoadBalancer"
    assert spec["spec"]["externalTrafficPolicy"] == "Local"
    assert spec["metadata"]["annotations"] == {"cloud/internal": "true"}
    assert [(port["port"], port["targetPort"]) for port in spec["spec"]["ports"]] == [
        (9000, "http"),
        (9001, "websocket"),
    ]


@pytest.mark.parametrize(("http", "node_port"), [(30080, 30080), (9000, None)])
def test_a_node_port_is_the_declared_one_where_a_node_can_have_it(http: int, node_port: int | None) -> None:
    spec = service(with_exposure(type="NodePort", http=http))["spec"]
    assert (spec["type"], spec["externalTrafficPolicy"]) == ("NodePort", "Cluster")
    assert spec["ports"][0].get("nodePort") == node_port


def test_a_port_below_1024_needs_no_privilege() -> None:
    made = with_exposure(http=80, websocket=443)
    pod = found(made, "Deployment", "acme-gateway")["spec"]["template"]["spec"]
    assert pod["securityContext"]["sysctls"] == [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
    assert "sysctls" not in found(made, "Deployment", "acme-user")["spec"]["template"]["spec"]["securityContext"]


def test_an_ingress_brings_both_ports_together_and_encrypts() -> None:
    made = with_exposure(
        type="Ingress", hostname="chat.example.com", ingressClassName="nginx", tls=TLS, annotations={"a": "b"}
    )
    ingress = found(made, "Ingress", "acme-edge")
    assert ingress["metadata"]["annotations"] == {"a": "b"}
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"] == [{"hosts": ["chat.example.com"], "secretName": "chat-tls"}]
    (rule,) = ingress["spec"]["rules"]
    paths = {path["path"]: path["backend"]["service"]["port"]["name"] for path in rule["http"]["paths"]}
    assert paths == {"/ws": "websocket", "/": "http"}
    assert service(made)["spec"]["type"] == "ClusterIP"


def test_behind_an_ingress_the_gateway_believes_it_and_needs_no_certificate() -> None:
    made = with_exposure(type="Ingress", hostname="chat.example.com", tls=TLS)
    assert settings(made)["CHATSYSTEM_GATEWAY_TRUSTED_PROXIES"] == "1"
    assert "CHATSYSTEM_TLS_CERTIFICATE_FILE" not in settings(made)
    assert "CHATSYSTEM_GATEWAY_TRUSTED_PROXIES" not in settings(with_exposure(tls=TLS))
    assert settings(with_exposure(tls=TLS))["CHATSYSTEM_TLS_CERTIFICATE_FILE"].endswith("/chat-tls/tls.crt")


def test_a_person_who_knows_of_more_proxies_is_right() -> None:
    document = declaration(
        exposure={"type": "Ingress", "hostname": "a.b"}, services={"gateway": {"config": {"trustedProxies": 2}}}
    )
    assert settings(rendered(document))["CHATSYSTEM_GATEWAY_TRUSTED_PROXIES"] == "2"


def test_the_certificate_of_an_ingress_is_needed_all_the_same() -> None:
    document = declaration(exposure={"type": "Ingress", "hostname": "a.b", "tls": TLS})
    needed = {secret.name: secret for secret in blueprint_of(parse_system(document)).secrets}
    assert needed["chat-tls"].keys == ("tls.crt", "tls.key")
    assert not needed["chat-tls"].generated


def test_without_a_gateway_there_is_no_edge() -> None:
    group = rendered(declaration(services={"gateway": {"replicas": 0}})).group(EDGE)
    assert group is not None
    assert group.manifests == ()
