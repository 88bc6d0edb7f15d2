"""Takes the picture of the README: `python -m tests.testbed.screenshot` writes docs/images/chat.png.

Two people of a real system talk in the web client, one at a desk, one with a phone.
"""

from __future__ import annotations

import asyncio
import base64
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, expect

from tests.testbed.browser import Visitor, attached, chromium
from tests.testbed.client import Api, Person, befriend, make_group
from tests.testbed.system import ROOT, System

TARGET = ROOT / "docs" / "images" / "chat.png"

PAINT = """([kind, hue]) => {
  const canvas = document.createElement("canvas");
  const [w, h] = kind === "view" ? [960, 600] : [256, 256];
  canvas.width = w; canvas.height = h;
  const c = canvas.getContext("2d");
  const sky = c.createLinearGradient(0, 0, 0, h);
  for (const [at, colour] of kind === "view" ? [[0, "#8fb7d6"], [0.45, "#f3d9b8"], [0.62, "#f6c9a0"]]
      : [[0, `hsl(${hue} 45% 72%)`], [1, `hsl(${hue + 40} 50% 48%)`]]) sky.addColorStop(at, colour);
  c.fillStyle = sky; c.fillRect(0, 0, w, h);
  if (kind === "view") {
    c.fillStyle = "#fff3d6"; c.beginPath(); c.arc(w * 0.68, h * 0.42, 46, 0, 7); c.fill();
    [["#9fb3ad", 0.55, 60, 0.011, 1], ["#7f9d94", 0.63, 46, 0.015, 4], ["#56786f", 0.74, 40, 0.012, 2], ["#2f5550", 0.86, 30, 0.017, 5]]
      .forEach(([colour, base, high, wave, phase]) => {
        c.fillStyle = colour; c.beginPath(); c.moveTo(0, h);
        for (let x = 0; x <= w; x += 3) c.lineTo(x, h * base - high * (Math.sin(x * wave + phase) + 0.5 * Math.sin(x * wave * 2.3 + phase)));
        c.lineTo(w, h); c.fill();
        c.fillStyle = "#ffffff30"; c.fillRect(0, h * base + 12, w, 26);
      });
  } else {
    c.fillStyle = "#ffffffd8"; c.beginPath(); c.arc(w / 2, h * 0.42, w * 0.19, 0, 7); c.fill();
    c.beginPath(); c.ellipse(w / 2, h * 1.02, w * 0.36, h * 0.38, 0, 0, 7); c.fill();
  }
  return canvas.toDataURL(kind === "view" ? "image/jpeg" : "image/png", 0.9).split(",")[1];
}"""

FRAME = """<html><body style="margin:0;background:#d3e2dd;width:1440px;height:800px;position:relative">
<img src="DESK" style="position:absolute;left:34px;top:34px;width:1020px;border-radius:14px;box-shadow:0 10px 30px #0d2b2530">
<div style="position:absolute;right:34px;top:76px;padding:9px;border-radius:44px;background:#101615;box-shadow:0 10px 30px #0d2b2540">
<img src="PHONE" style="display:block;width:312px;border-radius:36px"></div></body></html>"""


def text(content: str) -> dict[str, Any]:
    return {"message_type": 0, "string_message": {"content": content}}


async def paint(browser: Browser, kind: str, hue: int = 0) -> bytes:
    page = await browser.new_page()
    painted = await page.evaluate(PAINT, [kind, hue])
    await page.close()
    return base64.b64decode(painted)


async def populate(api: Api, browser: Browser) -> tuple[Person, Person]:
    """Lin Mei and Tomás, what surrounds them, and the beginning of their conversation."""
    mei, tomas = await api.register("Lin Mei"), await api.register("Tomás")
    yu, jiwoo = await api.register("王小雨"), await api.register("지우")
    for person, hue in ((mei, 150), (tomas, 20), (yu, 280)):
        await person.call("set_avatar", avatar=await paint(browser, "person", hue))
    with_tomas, with_yu, with_jiwoo = [await befriend(mei, each) for each in (tomas, yu, jiwoo)]
    walkers = await make_group(mei, tomas, yu, jiwoo, name="Ridge walkers")
    await tomas.send(walkers, text("Path is open again from the north side"))
    await jiwoo.send(with_jiwoo, text("사진 잘 받았어요, 고마워요!"))
    await yu.send(with_yu, text("周末一起去湖边喝茶吗？"))
    await tomas.send(with_tomas, text("Morning! Did you see the fog over the valley?"))
    await mei.send(with_tomas, text("I did. The whole lake was gone."))
    await mei.send(with_tomas, text("I took one from the ridge:"))
    return mei, tomas


async def talk(desk: Visitor, phone: Visitor, view: bytes) -> None:
    await desk.open("Tomás")
    await phone.open("Lin Mei")
    await desk.by("picture-input").set_input_files(attached("ridge.jpg", view, "image/jpeg"))
    await expect(phone.by("picture-image")).to_be_visible()
    await phone.by("composer").fill("That one goes on the wall. I can build the frame, here is a sketch")
    await phone.by("send").tap()
    await phone.by("file-input").set_input_files(attached("frame-sketch.pdf", bytes(348_160)))
    await expect(desk.by("file")).to_be_visible()
    await desk.send("Lovely, in oak please! 周六我带茶过来。")
    await phone.by("composer").fill("Saturday at nine, then")
    await phone.by("send").tap()
    await expect(desk.message("Saturday at nine, then")).to_be_visible()
    await expect(phone.message("Saturday at nine, then")).to_have_attribute("data-state", "read")
    for each in (desk, phone):
        await each.page.mouse.move(0, 0)
        await each.page.evaluate("document.activeElement?.blur()")
        await each.page.wait_for_timeout(600)


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        system = System(Path(name) / "system", settings={"CHATSYSTEM_GATEWAY_DRAIN_WINDOW": "0s"}).start()
        api = Api(system.host, system.http_port, system.websocket_port)
        origin = f"http://{system.host}:{system.http_port}"
        try:
            async with chromium() as browser:
                mei, tomas = await populate(api, browser)
                size = {"viewport": {"width": 1020, "height": 732}, "device_scale_factor": 1}
                desk = await Visitor.arrive(browser, origin, **size)
                phone = await Visitor.arrive(
                    browser,
                    origin,
                    viewport={"width": 360, "height": 720},
                    device_scale_factor=2,
                    is_mobile=True,
                    has_touch=True,
                    color_scheme="dark",
                )
                await desk.adopt(mei.session_id)
                await phone.adopt(tomas.session_id)
                await talk(desk, phone, await paint(browser, "view"))
                shots = [base64.b64encode(await each.page.screenshot()).decode() for each in (desk, phone)]
                page = await browser.new_page(viewport={"width": 1440, "height": 800})
                urls = [f"data:image/png;base64,{shot}" for shot in shots]
                await page.set_content(FRAME.replace("DESK", urls[0]).replace("PHONE", urls[1]))
                TARGET.parent.mkdir(parents=True, exist_ok=True)
                await page.screenshot(path=TARGET)
        finally:
            await api.close()
            system.stop()


if __name__ == "__main__":
    asyncio.run(main())
