"""The speech service: recognises speech. Its model is a directory of the machine or the image that `config.modelPath` names. Pure."""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem
from controller.blueprint.service import Shape


def shape(system: ChatSystem) -> Shape:
    return Shape()
