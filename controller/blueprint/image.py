"""The one image that holds all seven services. Pure."""

from __future__ import annotations

from controller.api.chatsystem import ChatSystem


def image_of(system: ChatSystem) -> str:
    """`repository:tag`, or `repository@digest` where the declaration pins one."""
    image = system.spec.image
    if image.digest:
        return f"{image.repository}@{image.digest}"
    return f"{image.repository}:{image.tag or system.spec.version}"
