// The words of the interface in the person's language: t(key, values). Dictionaries are in words/.
import { preference, prefer } from "./session.js";
import { EN } from "./words/en.js";
import { SERVER_EN } from "./words/server-en.js";
import { ZH } from "./words/zh.js";

const WORDS = { en: EN, zh: ZH };
export const LANGUAGES = [["en", "English"], ["zh", "中文"]];

const listeners = new Set();
let current = choose();

function choose() {
  const wanted = [preference("language"), ...(navigator.languages ?? [navigator.language])];
  for (const tag of wanted) {
    const code = tag?.toLowerCase().split("-")[0];
    if (Object.hasOwn(WORDS, code ?? "")) return code;
  }
  return "en";
}

export function language() {
  return current;
}

/** For dates and numbers: the person's own variety of the language, if the browser names one. */
export function locale() {
  return navigator.languages?.find((tag) => tag.toLowerCase().split("-")[0] === current) ?? current;
}

export function setLanguage(code) {
  prefer("language", code);
  current = choose();
  document.documentElement.lang = current;
  for (const listener of listeners) listener();
}

export function onLanguage(listener) {
  listeners.add(listener);
}

/** The words for a key; {name} in them is replaced by values.name. With {n} a key may have a form for one: key_one. */
export function t(key, values = {}) {
  const words = WORDS[current];
  const text = (values.n === 1 && words[`${key}_one`]) || words[key] || EN[key];
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** What the server said, which it says in Chinese; in English where there is a translation. Numbers stand as # in the keys. */
export function serverWords(text) {
  if (current === "zh" || !text) return text;
  const numbers = text.match(/\d+/g) ?? [];
  const [start, rest] = text.split("：", 2);
  const known = SERVER_EN[text.replace(/\d+/g, "#")];
  if (known) return known.replaceAll("#", () => numbers.shift() ?? "");
  return rest && SERVER_EN[`${start}：`] ? SERVER_EN[`${start}：`] + rest : text;
}

document.documentElement.lang = current;
