// The list of conversations: newest first, with the last message, its time and how many are unread.
import { h, iconButton, reconcile, setText } from "../dom.js";
import { count, moment } from "../format.js";
import { t } from "../i18n.js";
import { avatar, updateAvatar } from "./avatar.js";
import { newGroup } from "./group.js";

export function nameOf(conversation) {
  return conversation.name || t("unnamedGroup");
}

export function previewText(state, conversation) {
  const { preview, previewSender, peerId } = conversation;
  if (!preview) return t("noMessages");
  const words = { text: preview.text, image: `[${t("picture")}]`, file: `[${t("file")}] ${preview.text}`, voice: `[${t("voice")}] ${preview.text}` };
  const line = words[preview.kind].replaceAll("\n", " ");
  if (previewSender === state.me?.userId) return `${t("you")}: ${line}`;
  return peerId ? line : `${state.nameOf(previewSender, "…")}: ${line}`;
}

export function conversationsView({ client, open }) {
  const { state } = client;
  let filter = "";
  const list = h("ul", { class: "list", "data-testid": "conversation-list" });
  const nothing = h("p", { class: "empty" });
  const root = h("section", { class: "pane-content", "aria-label": t("chats") },
    h("header", { class: "pane-head" },
      h("h1", {}, t("chats")),
      iconButton("plus", t("newGroup"), { "data-testid": "new-group", onclick: () => newGroup({ client, open }) })),
    h("div", { class: "pane-search" },
      h("input", { type: "search", placeholder: t("filterChats"), "aria-label": t("filterChats"), "data-testid": "conversation-filter",
        oninput: ({ target }) => {
          filter = target.value.trim().toLowerCase();
          update();
        } })),
    list, nothing);

  function create(conversation) {
    const { id } = conversation;
    return h("li", {},
      h("button", { type: "button", class: "row", "data-testid": "conversation", "data-conversation": id, onclick: () => open(id) },
        avatar(id, "", null),
        h("span", { class: "row-main" },
          h("span", { class: "row-line" }, h("span", { class: "row-name" }), h("time", { class: "row-time" })),
          h("span", { class: "row-line" }, h("span", { class: "row-text" }), h("span", { class: "badge", "data-testid": "unread" })))));
  }

  function refresh(element, conversation) {
    const name = nameOf(conversation);
    const [button] = element.children;
    const [picture] = button.children;
    updateAvatar(picture, conversation.peerId || conversation.id, name, state.avatars.get(conversation.peerId));
    setText(button.querySelector(".row-name"), name);
    setText(button.querySelector(".row-time"), conversation.lastTime ? moment(conversation.lastTime) : "");
    setText(button.querySelector(".row-text"), previewText(state, conversation));
    const badge = button.querySelector(".badge");
    setText(badge, conversation.unread ? count(conversation.unread) : "");
    badge.hidden = !conversation.unread;
    badge.setAttribute("aria-label", t("unreadCount", { n: conversation.unread }));
    button.classList.toggle("unread", conversation.unread > 0);
    if (state.openId === conversation.id) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }

  function update() {
    const shown = state.sorted().filter((each) => nameOf(each).toLowerCase().includes(filter));
    reconcile(list, shown, { key: (each) => each.id, create, update: refresh });
    nothing.hidden = shown.length > 0;
    setText(nothing, filter ? t("nothingFound") : t("noChats"));
  }

  update();
  return { root, update, topics: ["conversations", "open", "people", "me"] };
}
