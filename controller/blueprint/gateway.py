"""The gateway: the only service that is reached from outside. Pure."""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.blueprint.service import Shape
from controller.blueprint.workload import Port, Secret


def shape(system: ChatSystem) -> Shape:
    exposure = system.spec.exposure
    environment = {
        "CHATSYSTEM_GATEWAY_PORT": "{port:http}",
        "CHATSYSTEM_GATEWAY_WEBSOCKET_PORT": "{port:websocket}",
    }
    # The gateway's own `config.drainWindow`, where it is given, wins.
    environment["CHATSYSTEM_GATEWAY_DRAIN_WINDOW"] = system.spec.release.reconnect_window
    secrets: tuple[Secret, ...] = ()
    files = {}
    if exposure.tls:
        secrets = (Secret(exposure.tls.secret_name, ("tls.crt", "tls.key"), generated=False),)
        files = {
            "CHATSYSTEM_TLS_CERTIFICATE_FILE": (exposure.tls.secret_name, "tls.crt"),
            "CHATSYSTEM_TLS_KEY_FILE": (exposure.tls.secret_name, "tls.key"),
        }
    # Replicas share the ports, so that a new one takes connections before the old one lets go of them.
    ports = (
        Port("http", exposure.http, published=True, shared=True),
        Port("websocket", exposure.websocket, published=True, shared=True),
    )
    return Shape(ports, environment, files, secrets)
