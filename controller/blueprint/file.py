"""The file service: keeps files and pictures, on the volume of the store `files`. Pure."""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.blueprint.service import Shape


def shape(system: ChatSystem) -> Shape:
    return Shape()
