// The round picture of a person or group; without one, the first letter on a colour that stays the same for the same id.
import { h } from "../dom.js";
import { pictureUrl } from "../media.js";

const TONES = 8;
const urls = new Map(); // id -> {bytes, url}

function same(a, b) {
  return a === b || (a.length === b.length && a.every((byte, at) => byte === b[at]));
}

function urlOf(id, bytes) {
  const known = urls.get(id);
  if (known && same(known.bytes, bytes)) return known.url;
  const url = pictureUrl(bytes);
  urls.set(id, { bytes, url });
  return url;
}

function toneOf(id) {
  let sum = 7;
  for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return sum % TONES;
}

export function avatar(id, name, bytes, className = "") {
  const element = h("span", { class: `avatar ${className}`, "aria-hidden": "true" });
  updateAvatar(element, id, name, bytes);
  return element;
}

export function updateAvatar(element, id, name, bytes) {
  const url = bytes?.length ? urlOf(id, bytes) : "";
  const letter = [...(name || "?").trim()][0]?.toUpperCase() ?? "?";
  const signature = `${url}|${letter}|${id}`;
  if (element.dataset.shows === signature) return;
  element.dataset.shows = signature;
  for (let tone = 0; tone < TONES; tone += 1) element.classList.toggle(`tone-${tone}`, !url && tone === toneOf(id));
  element.replaceChildren(url ? h("img", { src: url, alt: "" }) : letter);
}
