// Searching all messages: newest first, what was looked for marked; a result opens the conversation at that message.
import { h, highlighted, setText } from "../dom.js";
import { moment } from "../format.js";
import { t } from "../i18n.js";
import { fromSequenced } from "../message.js";
import { avatar } from "./avatar.js";
import { nameOf } from "./conversations.js";
import { explain } from "./overlay.js";

const PAUSE = 300;
const BEFORE = 24; // characters shown before the first occurrence

function excerpt(message, key) {
  const text = (message.text || message.transcript || message.fileName).replaceAll("\n", " ");
  const at = text.toLowerCase().indexOf(key.toLowerCase());
  return at > BEFORE ? `…${text.slice(at - BEFORE)}` : text;
}

export function searchView({ client, open }) {
  const { state } = client;
  let timer;
  let latest = 0;
  const list = h("ul", { class: "list", "data-testid": "search-results" });
  const note = h("p", { class: "empty", role: "status" }, t("searchHint"));
  const more = h("button", { type: "button", class: "button quiet", "data-testid": "search-more", hidden: true }, t("showMore"));
  const input = h("input", { type: "search", placeholder: t("searchMessages"), "aria-label": t("searchMessages"), "data-testid": "message-search",
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(search, PAUSE);
    } });
  const root = h("section", { class: "pane-content", "aria-label": t("search") },
    h("header", { class: "pane-head" }, h("h1", {}, t("search"))),
    h("div", { class: "pane-search" }, input), note, list, more);

  function result(message, key) {
    const conversation = state.conversation(message.conversationId);
    const name = conversation ? nameOf(conversation) : message.senderName;
    const who = message.senderId === state.me.userId ? t("you") : message.senderName;
    return h("li", {},
      h("button", { type: "button", class: "row", "data-testid": "search-result", "data-seq": message.seq, onclick: () => open(message.conversationId, message.seq) },
        avatar(conversation?.peerId || message.conversationId, name, state.avatars.get(conversation?.peerId)),
        h("span", { class: "row-main" },
          h("span", { class: "row-line" }, h("span", { class: "row-name" }, name), h("time", { class: "row-time" }, moment(message.time))),
          h("span", { class: "row-text two-lines" }, `${who}: `, highlighted(excerpt(message, key), key)))));
  }

  async function search(pageToken = "") {
    const key = input.value.trim();
    latest += 1;
    const turn = latest;
    if (!key) {
      list.replaceChildren();
      more.hidden = true;
      setText(note, t("searchHint"));
      note.hidden = false;
      return;
    }
    try {
      const answer = await client.api.call("SearchMessages", { searchKey: key, limit: 30, pageToken });
      if (turn !== latest) return;
      if (!pageToken) list.replaceChildren();
      for (const each of answer.message) if (each.info) list.append(result(fromSequenced(each), key));
      more.hidden = !answer.nextPageToken;
      more.onclick = () => search(answer.nextPageToken);
      setText(note, list.children.length ? "" : t("nothingFound"));
    } catch (error) {
      if (turn === latest) setText(note, explain(error));
    }
    note.hidden = !note.textContent;
  }

  return { root, update() {}, focus: () => input.focus(), topics: [] };
}
