// One message as it is shown: text, picture, file or voice, and below it the time and how far it has come.
import { h, icon, iconButton, linked, setText } from "../dom.js";
import { clock, duration, fileSize } from "../format.js";
import { serverWords, t } from "../i18n.js";
import { loudness, toWav, voiceLength } from "../media.js";
import { avatar, updateAvatar } from "./avatar.js";
import { explain, guarded, openDialog } from "./overlay.js";

const BARS = 28;
const MARKS = { queued: "clock", inflight: "clock", accepted: "check", sent: "check", read: "checks", refused: "alert" };

let playing = null;

const nearby = new IntersectionObserver(
  (seen) => {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting) continue;
      nearby.unobserve(target);
      target.dispatchEvent(new Event("near"));
    }
  },
  { rootMargin: "400px" },
);

function picture(message, files) {
  const button = h("button", { type: "button", class: "picture loading", "aria-label": t("openPicture"), "data-testid": "picture" });
  const load = async () => {
    try {
      const url = await files.pictureUrl(message);
      if (!url) throw new Error("not a picture");
      button.replaceChildren(h("img", { src: url, alt: t("picture"), "data-testid": "picture-image" }));
      button.classList.remove("loading", "broken");
      return url;
    } catch (error) {
      button.replaceChildren(icon("picture"), h("span", {}, explain(error)));
      button.classList.add("broken");
      return "";
    }
  };
  button.addEventListener("near", load);
  button.addEventListener("click", async () => {
    const url = await load();
    if (!url) return;
    openDialog({ title: message.senderName || t("picture"), testid: "lightbox", className: "lightbox", content: (close) => [
      h("img", { src: url, alt: t("picture"), onclick: close }),
      h("a", { class: "button quiet", href: url, download: `${message.id || "picture"}` }, icon("download"), t("download")),
    ] });
  });
  if (message.bytes) load();
  else nearby.observe(button);
  return button;
}

function attachment(message, files) {
  async function save({ currentTarget }) {
    await guarded(currentTarget, async () => {
      const url = URL.createObjectURL(new Blob([await files.of(message)], { type: "application/octet-stream" }));
      h("a", { href: url, download: message.fileName || "file" }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
    });
  }
  return h("button", { type: "button", class: "attachment", "data-testid": "file", title: t("download"), onclick: save },
    h("span", { class: "attachment-icon" }, icon("file")),
    h("span", { class: "attachment-main" }, h("span", { class: "attachment-name" }, message.fileName || t("file")), h("span", { class: "quiet" }, fileSize(message.fileSize))),
    icon("download"));
}

function voice(message, files) {
  const bars = h("span", { class: "bars", "aria-hidden": "true" }, Array.from({ length: BARS }, () => h("span")));
  const length = h("span", { class: "voice-length" }, message.fileSize ? duration(voiceLength(message.fileSize)) : "");
  const button = iconButton("play", t("play"), { class: "icon-button voice-play", "data-testid": "voice-play" });
  let audio = null;

  const draw = async () => {
    try {
      const pcm = await files.of(message);
      loudness(pcm, BARS).forEach((level, at) => bars.children[at].style.setProperty("--level", level.toFixed(2)));
      setText(length, duration(voiceLength(pcm.length)));
      return pcm;
    } catch (error) {
      setText(length, explain(error));
      return null;
    }
  };
  const show = (name) => button.replaceChildren(icon(name));
  button.addEventListener("click", async () => {
    if (audio && !audio.paused) {
      audio.pause();
      return;
    }
    if (!audio) {
      const pcm = await draw();
      if (!pcm) return;
      audio = new Audio(URL.createObjectURL(new Blob([toWav(pcm)], { type: "audio/wav" })));
      audio.onplay = () => show("pause");
      audio.onpause = audio.onended = () => show("play");
      audio.ontimeupdate = () => {
        const reached = audio.duration ? Math.ceil((audio.currentTime / audio.duration) * BARS) : 0;
        [...bars.children].forEach((bar, at) => bar.classList.toggle("played", at < reached));
      };
    }
    if (playing && playing !== audio) playing.pause();
    playing = audio;
    audio.play().catch(() => show("play"));
  });
  const player = h("span", { class: "voice", "data-testid": "voice" }, button, bars, length);
  player.addEventListener("near", draw);
  nearby.observe(player);
  return [player, h("span", { class: "transcript", "data-testid": "transcript", hidden: true })];
}

function content(message, files) {
  if (message.kind === "image") return picture(message, files);
  if (message.kind === "file") return attachment(message, files);
  if (message.kind === "voice") return voice(message, files);
  return h("span", { class: "text", "data-testid": "text" }, linked(message.text));
}

/** The element of a message. `item` as in rows.js; `deps`: state, files, retry(requestId), discard(requestId), openPerson(userId). */
export function createBubble(item, deps) {
  const { message, mine, named } = item;
  const retry = h("span", { class: "failed-actions", hidden: true },
    h("span", { class: "error", "data-testid": "send-error" }),
    h("button", { type: "button", class: "button link", "data-testid": "retry", onclick: () => deps.retry(message.requestId) }, t("retry")),
    h("button", { type: "button", class: "button link", "data-testid": "discard", onclick: () => deps.discard(message.requestId) }, t("discard")));
  return h("li", { class: `message ${mine ? "mine" : "theirs"} ${message.kind}`, "data-testid": "message" },
    named && h("button", { type: "button", class: "message-avatar", "aria-label": message.senderName, onclick: () => deps.openPerson(message.senderId) }, avatar(message.senderId, message.senderName, null)),
    h("div", { class: "message-column" },
      h("span", { class: "message-sender" }),
      h("div", { class: "bubble" },
        content(message, deps.files),
        h("span", { class: "meta" }, h("time", {}), h("span", { class: "mark", "data-testid": "mark" }))),
      mine ? retry : null));
}

const shown = new WeakMap(); // element -> what it shows, to leave alone the many that have not changed

export function updateBubble(element, item, deps) {
  const { message, mine, status, follows, named } = item;
  const picture = named ? deps.state.avatars.get(message.senderId) : null;
  const name = named ? deps.state.nameOf(message.senderId, message.senderName) : "";
  const now = [status, follows, name, picture, message.seq, message.transcript, message.error];
  const before = shown.get(element);
  if (before && now.every((each, at) => each === before[at])) return;
  shown.set(element, now);
  element.classList.toggle("follows", follows);
  element.dataset.seq = message.seq || "";
  element.dataset.state = status;
  setText(element.querySelector(".message-sender"), follows ? "" : name);
  const time = element.querySelector(".meta time");
  setText(time, clock(message.time));
  time.dateTime = new Date(message.time).toISOString();
  if (mine) {
    const mark = element.querySelector(".mark");
    if (mark.dataset.shows !== status) {
      mark.dataset.shows = status;
      mark.replaceChildren(icon(MARKS[status]));
      mark.setAttribute("aria-label", t(`status_${status}`));
      mark.setAttribute("role", "img");
      mark.title = t(`status_${status}`);
    }
    const failed = element.querySelector(".failed-actions");
    failed.hidden = status !== "refused";
    setText(failed.querySelector(".error"), status === "refused" ? serverWords(message.error) : "");
  } else if (named) {
    updateAvatar(element.querySelector(".avatar"), message.senderId, name, picture);
  }
  if (message.kind === "voice") {
    const transcript = element.querySelector(".transcript");
    setText(transcript, message.transcript ?? "");
    transcript.hidden = !message.transcript;
  }
}
