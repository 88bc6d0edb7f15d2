// The frame around everything of a signed-in person: navigation, the left column, the open conversation, the connection's
// state. The address after # says what is shown: #/chats, #/contacts, #/search, #/settings, and /c/<conversation>[/<seq>].
import { h, icon, setText } from "../dom.js";
import { count } from "../format.js";
import { t } from "../i18n.js";
import { NotifyType } from "../schema.js";
import { chatView } from "./chat.js";
import { contactsView } from "./contacts.js";
import { conversationsView } from "./conversations.js";
import { toast } from "./overlay.js";
import { searchView } from "./search.js";
import { settingsView } from "./settings.js";

const PANES = { chats: conversationsView, contacts: contactsView, search: searchView, settings: settingsView };
const ICONS = { chats: "chats", contacts: "people", search: "search", settings: "settings" };
const SHOW_AFTER = 1200; // a connection that comes back sooner is not worth a word

const ADDRESS = /^#\/(\w+)(?:\/c\/((?:[\w.~!*'()-]|%[0-7][0-9A-Fa-f])+)(?:\/(\d{1,15}))?)?$/;

function route() {
  const [, pane, id, seq] = ADDRESS.exec(location.hash) ?? [];
  return { pane: Object.hasOwn(PANES, pane ?? "") ? pane : "chats", id: decodeURIComponent(id ?? ""), seq: Number(seq ?? 0) };
}

export function shellView(client) {
  const { state } = client;
  const lifetime = new AbortController();
  const { signal } = lifetime;
  let pane = null;
  let paneName = "";
  let chat = null;
  let bannerTimer;
  let frame = 0;
  const dirty = new Set();

  const badges = {};
  const tabs = Object.keys(PANES).map((name) => {
    badges[name] = h("span", { class: "badge", hidden: true });
    return h("a", { class: "tab", href: `#/${name}`, "data-testid": `tab-${name}`, "data-name": name }, icon(ICONS[name]), badges[name], h("span", { class: "tab-name" }, t(name)));
  });
  const banner = h("div", { class: "banner", role: "status", "data-testid": "connection", hidden: true });
  const left = h("div", { class: "pane" });
  const main = h("main", { class: "main" });
  const root = h("div", { class: "shell", "data-testid": "shell" }, h("nav", { class: "tabs", "aria-label": t("navigation") }, tabs), left, main, banner);

  function open(id, seq = 0) {
    location.hash = `#/${paneName || "chats"}/c/${encodeURIComponent(id)}${seq ? `/${seq}` : ""}`;
  }

  function back() {
    location.hash = `#/${paneName}`;
  }

  function follow() {
    const wanted = route();
    if (wanted.pane !== paneName) {
      paneName = wanted.pane;
      pane = PANES[paneName]({ client, open });
      left.replaceChildren(pane.root);
      pane.focus?.();
    }
    for (const tab of tabs) {
      if (tab.dataset.name === paneName) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
      tab.href = `#/${tab.dataset.name}`;
    }
    // On a wide screen the open conversation stays while one looks through the left column.
    const wide = matchMedia("(min-width: 760px)").matches;
    const id = wanted.id || (wide && state.openId) || null;
    if (chat?.id !== id || wanted.seq) show(id && state.conversation(id) ? id : null, wanted.seq);
    root.classList.toggle("chat-open", Boolean(wanted.id && chat));
    state.emit("open");
  }

  function show(id, seq) {
    chat?.close();
    chat = null;
    state.openId = id;
    if (!id) {
      main.replaceChildren(h("div", { class: "nothing-open" }, icon("chats"), h("p", {}, t("chooseChat"))));
      return;
    }
    chat = chatView({ client, conversationId: id, aroundSeq: seq, open, back });
    chat.id = id;
    main.replaceChildren(chat.root);
    chat.update();
    chat.focus();
  }

  function updateConnection() {
    clearTimeout(bannerTimer);
    root.dataset.connection = client.socket.state;
    if (client.socket.ready) {
      banner.hidden = true;
      return;
    }
    bannerTimer = setTimeout(() => {
      const seconds = Math.ceil((client.socket.retryAt - Date.now()) / 1000);
      const waiting = client.socket.state === "waiting" && seconds > 1;
      setText(banner, waiting ? t("reconnectingIn", { n: seconds }) : t("reconnecting"));
      banner.hidden = false;
      bannerTimer = setTimeout(updateConnection, 1000);
    }, banner.hidden ? SHOW_AFTER : 0);
  }

  function updateBadges() {
    const numbers = { chats: state.unreadTotal(), contacts: state.applications.length };
    for (const [name, number] of Object.entries(numbers)) {
      badges[name].hidden = !number;
      setText(badges[name], number ? count(number) : "");
    }
    document.title = `${numbers.chats ? `(${count(numbers.chats)}) ` : ""}ChatSystem`;
  }

  /** Many changes, one update: with the next frame, or soon where a hidden page gets no frames. */
  function flush() {
    clearTimeout(frame);
    frame = 0;
    const topics = new Set(dirty);
    dirty.clear();
    if (state.openId && !state.conversation(state.openId)) {
      show(null, 0);
      if (route().id) back();
    }
    if (pane.topics.some((topic) => topics.has(topic))) pane.update();
    if (chat?.topics.some((topic) => topics.has(topic))) chat.update();
    if (topics.has("conversations") && route().id && !chat) follow();
    updateBadges();
  }

  function changed({ type }) {
    dirty.add(type);
    frame ||= setTimeout(flush, 16);
  }

  for (const topic of ["conversations", "timeline", "people", "members", "me", "open"]) state.addEventListener(topic, changed, { signal });
  state.addEventListener("connection", updateConnection, { signal });
  client.addEventListener("gone", ({ detail }) => toast(t("removedFromGroup", { name: detail.name })), { signal });
  client.addEventListener("notice", ({ detail: { notify, name } }) => {
    if (notify.notifyType === NotifyType.FRIEND_ADD_APPLY_NOTIFY) toast(t("noticeApplication", { name }));
    else if (notify.friendProcessResult) toast(t(notify.friendProcessResult.agree ? "noticeAccepted" : "noticeDeclined", { name }));
  }, { signal });
  addEventListener("hashchange", follow, { signal });
  for (const event of ["focus", "blur"]) addEventListener(event, () => chat?.seen(), { signal });
  document.addEventListener("visibilitychange", () => chat?.seen(), { signal });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "k" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    location.hash = "#/search";
  }, { signal });

  state.openId = null;
  follow();
  updateBadges();
  updateConnection();
  return {
    root,
    close() {
      lifetime.abort();
      chat?.close();
      clearTimeout(bannerTimer);
      clearTimeout(frame);
    },
  };
}
