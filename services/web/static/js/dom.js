// Making and updating elements. There is no way from here to HTML text: strings become text nodes, so whatever a person wrote
// is shown as it is.

const SVG = "http://www.w3.org/2000/svg";

/** An element. `props`: "on…" are listeners, "class" and attributes as named; null, undefined and false leave one out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "textContent") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const PATHS = {
  chats: "M4 5.5A2.5 2.5 0 0 1 6.5 3h11A2.5 2.5 0 0 1 20 5.5v8a2.5 2.5 0 0 1-2.5 2.5H10l-4.5 4v-4A1.5 1.5 0 0 1 4 14.5z",
  people: "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c0-3 2.9-5 6.5-5s6.5 2 6.5 5M16 5a3 3 0 0 1 0 6M18 14.8c2.1.6 3.5 2.2 3.5 4.7",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16.2 16.2 21 21",
  settings: "M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM19 12l2-1.2-2-3.5-2.2.8-1.7-1L14.7 4.8h-4l-.6 2.3-1.7 1-2.2-.8-2 3.5 2 1.2v2l-2 1.2 2 3.5 2.2-.8 1.7 1 .6 2.3h4l.4-2.3 1.7-1 2.2.8 2-3.5-2-1.2z",
  back: "M15 5l-7 7 7 7",
  send: "M4 12 20.5 4.5 15 20l-3.5-6.5zM11.5 13.5 20.5 4.5",
  picture: "M5 4h14a1.5 1.5 0 0 1 1.5 1.5v13A1.5 1.5 0 0 1 19 20H5a1.5 1.5 0 0 1-1.5-1.5v-13A1.5 1.5 0 0 1 5 4zM4 17l4.5-5 4 4 2.5-2.5 5 4.5M15.5 9.5h.01",
  file: "M13.5 3H7a1.5 1.5 0 0 0-1.5 1.5v15A1.5 1.5 0 0 0 7 21h10a1.5 1.5 0 0 0 1.5-1.5V8zM13.5 3v5h5",
  attach: "M20 11.5 12 19.5a5 5 0 0 1-7-7L13 4.5a3.3 3.3 0 0 1 4.7 4.7L10 17a1.7 1.7 0 0 1-2.4-2.4L14.5 7.7",
  mic: "M12 14.5a3 3 0 0 0 3-3v-5a3 3 0 1 0-6 0v5a3 3 0 0 0 3 3zM6 11.5a6 6 0 0 0 12 0M12 17.5V21",
  stop: "M7 7h10v10H7z",
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M8 5.5v13M16 5.5v13",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5.5M12 7.8h.01",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  down: "M12 5v14M6 13l6 6 6-6",
  check: "M5 12.5l4.5 4.5L19 7.5",
  checks: "M2.5 12.5 7 17l9-9.5M11 16l1 1 9.5-9.5",
  clock: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 7.5V12l3 2",
  alert: "M12 3.5 21.5 20h-19zM12 10v4.5M12 17.3h.01",
  download: "M12 4v11M7 11l5 5 5-5M4.5 20h15",
  edit: "M4 20l1-4.5L16.5 4 20 7.5 8.5 19z",
  leave: "M14 4.5H6.5A1.5 1.5 0 0 0 5 6v12a1.5 1.5 0 0 0 1.5 1.5H14M10 12h10.5M17 8.5l3.5 3.5-3.5 3.5",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows an icon and is named by `label` for everyone who cannot see it. */
export function iconButton(name, label, props = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, ...props }, icon(name));
}

/** Makes the children of `parent` be those of `items`, keeping elements of the same key (focus, playback and pictures stay). */
export function reconcile(parent, items, { key, create, update }) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const known = new Map();
  for (const child of parent.children) if (child.dataset.key !== undefined) known.set(child.dataset.key, child);
  let place = parent.firstElementChild;
  for (const item of items) {
    const itemKey = key(item);
    let element = known.get(itemKey);
    if (element) known.delete(itemKey);
    else {
      element = create(item);
      element.dataset.key = itemKey;
    }
    update?.(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const child of known.values()) child.remove();
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true }); // it was moved
}

/** Sets the text only when it differs, so that screen readers and selections are not disturbed. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Text with every occurrence of `needle` in <mark>, whatever its case. */
export function highlighted(text, needle) {
  const parts = [];
  const [low, lowNeedle] = [text.toLowerCase(), needle.trim().toLowerCase()];
  let from = 0;
  if (lowNeedle && low.length === text.length) {
    for (let at = low.indexOf(lowNeedle); at >= 0; at = low.indexOf(lowNeedle, from)) {
      parts.push(text.slice(from, at), h("mark", {}, text.slice(at, at + lowNeedle.length)));
      from = at + lowNeedle.length;
    }
  }
  parts.push(text.slice(from));
  return parts.filter((part) => part !== "");
}

/** Text in which web addresses are links. */
export function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"'，。、；！？）】》]+)/u).map((part, at) =>
    at % 2 ? h("a", { href: part, target: "_blank", rel: "noopener noreferrer" }, part) : part,
  );
}
