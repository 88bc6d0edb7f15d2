// Where a message is written: text, pictures, files, voice. What was typed and not sent stays as a draft.
import { h, iconButton, setText } from "../dom.js";
import { duration } from "../format.js";
import { t } from "../i18n.js";
import { MAX_FILE, pcmOfFile, pictureType, preparePicture } from "../media.js";
import { Recorder, canRecord } from "../recorder.js";
import { toast } from "./overlay.js";

const MAX_TEXT = 65535; // bytes of UTF-8
const MAX_NAME = 120; // bytes of a file's name
const SHORTEST_VOICE = 0.4; // seconds; anything shorter was a slip
const touch = matchMedia("(pointer: coarse)");

/** A file name short enough for the server, with its ending kept. */
function shortName(name) {
  const dot = name.lastIndexOf(".");
  const ending = dot > 0 && name.length - dot <= 12 ? name.slice(dot) : "";
  let stem = ending ? name.slice(0, dot) : name;
  while (new TextEncoder().encode(stem + ending).length > MAX_NAME) stem = [...stem].slice(0, -1).join("");
  return stem + ending;
}

/** `post(fields)` puts something in the outbox. */
export function composer({ post, draftKey }) {
  let recorder = null;
  let ticker;

  const text = h("textarea", {
    rows: 1, "aria-label": t("writeMessage"), placeholder: t("writeMessage"), "data-testid": "composer",
    oninput: changed, onpaste: pasted,
    onkeydown: (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || touch.matches) return;
      event.preventDefault();
      sendText();
    },
  });
  const send = iconButton("send", t("send"), { class: "icon-button send", "data-testid": "send", onclick: sendText });
  const record = iconButton("mic", t("recordVoice"), { "data-testid": "record", onclick: startVoice });
  const pictures = h("input", { type: "file", accept: "image/*", multiple: true, hidden: true, "data-testid": "picture-input", onchange: chosen((file) => sendFile(file, true)) });
  const others = h("input", { type: "file", multiple: true, hidden: true, "data-testid": "file-input", onchange: chosen((file) => sendFile(file, false)) });
  const sounds = h("input", { type: "file", accept: "audio/*", capture: true, hidden: true, "data-testid": "voice-input", onchange: chosen(sendSound) });
  const writing = h("div", { class: "composer-row" },
    iconButton("picture", t("sendPicture"), { "data-testid": "attach-picture", onclick: () => pictures.click() }),
    iconButton("attach", t("sendFile"), { "data-testid": "attach-file", onclick: () => others.click() }),
    text, record, send, pictures, others, sounds);
  const elapsed = h("span", { class: "elapsed", role: "timer" });
  const recording = h("div", { class: "composer-row recording", hidden: true },
    iconButton("close", t("cancel"), { "data-testid": "record-cancel", onclick: () => endVoice(false) }),
    h("span", { class: "pulse", "aria-hidden": "true" }), h("span", {}, t("recording")), elapsed,
    iconButton("send", t("send"), { class: "icon-button send", "data-testid": "record-send", onclick: () => endVoice(true) }));
  const root = h("div", { class: "composer" }, writing, recording);

  function changed() {
    text.style.height = "auto";
    text.style.height = `${Math.min(text.scrollHeight, 160)}px`;
    const blank = !text.value.trim();
    send.hidden = blank;
    record.hidden = !blank;
    try {
      if (text.value) sessionStorage.setItem(draftKey, text.value);
      else sessionStorage.removeItem(draftKey);
    } catch {
      // A draft too big to keep is still there to be sent.
    }
  }

  function sendText() {
    const value = text.value.trim();
    if (!value) return;
    if (new TextEncoder().encode(value).length > MAX_TEXT) {
      toast(t("textTooLong"), "error");
      return;
    }
    text.value = "";
    changed();
    text.focus();
    post({ kind: "text", text: value });
  }

  function chosen(handle) {
    return async ({ target }) => {
      const files = [...target.files];
      target.value = "";
      for (const file of files) await handle(file);
    };
  }

  async function sendFile(file, asPicture) {
    if (file.size > MAX_FILE) {
      toast(t("fileTooBig", { name: file.name }), "error");
      return;
    }
    if (asPicture) {
      try {
        post({ kind: "image", bytes: await preparePicture(file) });
        return;
      } catch {
        toast(t("notAPicture", { name: file.name }), "error");
        return;
      }
    }
    if (file.size === 0) {
      toast(t("fileEmpty", { name: file.name }), "error");
      return;
    }
    post({ kind: "file", bytes: new Uint8Array(await file.arrayBuffer()), fileName: shortName(file.name) });
  }

  async function sendAny(file) {
    const head = new Uint8Array(await file.slice(0, 32).arrayBuffer());
    await sendFile(file, Boolean(pictureType(head)));
  }

  async function pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    for (const file of files) await sendAny(file);
  }

  async function sendSound(file) {
    try {
      post({ kind: "voice", bytes: await pcmOfFile(file) });
    } catch {
      toast(t("notASound", { name: file.name }), "error");
    }
  }

  async function startVoice() {
    if (!canRecord()) {
      sounds.click(); // without TLS there is no microphone: take a recording made by something else
      return;
    }
    const mine = new Recorder(() => endVoice(true));
    recorder = mine;
    try {
      await mine.start();
    } catch {
      recorder = null;
      toast(t("noMicrophone"), "error");
      return;
    }
    writing.hidden = true;
    recording.hidden = false;
    ticker = setInterval(() => setText(elapsed, duration(mine.seconds)), 200);
    setText(elapsed, duration(0));
    recording.lastElementChild.focus();
  }

  async function endVoice(wanted) {
    const mine = recorder;
    if (!mine) return;
    recorder = null;
    clearInterval(ticker);
    writing.hidden = false;
    recording.hidden = true;
    const { seconds } = mine;
    const bytes = await mine.stop();
    if (!wanted) return;
    if (seconds < SHORTEST_VOICE) toast(t("voiceTooShort"), "error");
    else post({ kind: "voice", bytes });
  }

  text.value = sessionStorage.getItem(draftKey) ?? "";
  queueMicrotask(changed);
  return { root, sendAny, focus: () => !touch.matches && text.focus(), close: () => endVoice(false) };
}
