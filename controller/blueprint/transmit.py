"""The transmit service: makes messages durable and ordered. It has nothing that the others do not have. Pure."""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.blueprint.service import Shape


def shape(system: ChatSystem) -> Shape:
    return Shape()
