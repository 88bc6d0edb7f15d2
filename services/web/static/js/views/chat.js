// An open conversation: its messages, loaded as one scrolls, and the composer below.
import { h, icon, iconButton, reconcile, setText } from "../dom.js";
import { count, day } from "../format.js";
import { t } from "../i18n.js";
import { rowsOf } from "../rows.js";
import { avatar, updateAvatar } from "./avatar.js";
import { createBubble, updateBubble } from "./bubble.js";
import { composer } from "./composer.js";
import { nameOf } from "./conversations.js";
import { groupInfo } from "./group.js";
import { explain, toast } from "./overlay.js";
import { personCard } from "./person.js";

const NEAR = 500; // pixels from an edge at which more is loaded
const AT_END = 60;

export function chatView({ client, conversationId, aroundSeq, open, back }) {
  const { state } = client;
  const conversation = state.conversation(conversationId);
  const newAfter = conversation.unread > 0 ? conversation.readSeq : -1;
  let pinned = !aroundSeq; // the end is in view, and stays in view
  let loading = null;
  let jumping = false; // to the end, through a part of the history that is not loaded
  let closed = false;
  let target = aroundSeq;

  const list = h("ol", { class: "messages", role: "log", "aria-live": "polite", "aria-label": t("messages"), "data-testid": "messages" });
  const spinner = h("p", { class: "empty", "data-testid": "loading" }, t("loading"));
  const scroller = h("div", { class: "scroller", tabindex: -1, onscroll: scrolled }, spinner, list);
  const unseen = h("span", { class: "badge" });
  const toEnd = h("button", { type: "button", class: "to-end", "aria-label": t("toNewest"), "data-testid": "to-newest", hidden: true, onclick: goToEnd }, icon("down"), unseen);
  const picture = avatar("", "", null);
  const title = h("span", { class: "chat-title", "data-testid": "chat-title" });
  const subtitle = h("span", { class: "chat-subtitle" });
  const writer = composer({
    draftKey: `chatsystem.draft.${state.me.userId}.${conversationId}`,
    post: (fields) => {
      goToEnd();
      return client.post(conversationId, fields);
    },
  });
  const root = h("section", { class: "chat", "aria-label": nameOf(conversation), "data-testid": "chat", "data-conversation": conversationId, ondragover: (event) => event.preventDefault(), ondrop: dropped },
    h("header", { class: "chat-head" },
      iconButton("back", t("back"), { class: "icon-button only-phone", "data-testid": "back", onclick: back }),
      h("button", { type: "button", class: "chat-who", onclick: showInfo, "data-testid": "chat-info" }, picture, h("span", { class: "chat-names" }, title, subtitle)),
      iconButton("info", t("details"), { onclick: showInfo })),
    h("div", { class: "chat-body" }, scroller, toEnd),
    writer.root);
  const deps = {
    state,
    files: client.files,
    retry: (id) => client.retry(id),
    discard: (id) => client.discard(id),
    openPerson: (userId) => showPerson(userId),
  };
  const resized = new ResizeObserver(() => {
    if (pinned) scroller.scrollTop = scroller.scrollHeight;
  });
  resized.observe(list);
  resized.observe(scroller);

  function showPerson(userId) {
    const people = [...state.friends, ...(state.members.get(conversationId) ?? [])];
    const person = people.find((each) => each.userId === userId) ?? { userId, nickname: state.nameOf(userId, "?"), description: "" };
    personCard({ client, person, open });
  }

  function showInfo() {
    if (conversation.peerId) showPerson(conversation.peerId);
    else groupInfo({ client, conversation, open });
  }

  async function dropped(event) {
    event.preventDefault();
    for (const file of event.dataTransfer?.files ?? []) await writer.sendAny(file);
  }

  /** Runs one load at a time; `waits` for the one under way instead of being left out. */
  async function load(action, waits = false) {
    if (loading && !waits) return;
    await loading;
    if (closed) return;
    loading = action().catch((error) => {
      if (!closed && !conversation.timeline.loaded) setText(spinner, explain(error));
    });
    await loading;
    loading = null;
  }

  function scrolled() {
    const rest = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    const { timeline } = conversation;
    if (jumping || !timeline.loaded) return;
    pinned = timeline.attached && rest < AT_END;
    if (scroller.scrollTop < NEAR && timeline.more) load(() => client.history.older(conversationId));
    else if (rest < NEAR && !timeline.attached) load(() => client.history.newer(conversationId));
    showToEnd();
    seen();
  }

  function showToEnd() {
    const rest = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    toEnd.hidden = conversation.timeline.attached && rest < 300;
    setText(unseen, conversation.unread ? count(conversation.unread) : "");
    unseen.hidden = !conversation.unread;
  }

  async function goToEnd() {
    pinned = true;
    if (conversation.timeline.loaded && !conversation.timeline.attached) {
      jumping = true;
      await load(() => client.history.open(conversationId), true);
      jumping = false;
      update();
    }
    scroller.scrollTop = scroller.scrollHeight;
  }

  /** What is on the screen of somebody who looks at it has been read. */
  function seen() {
    if (closed || !pinned || !conversation.timeline.loaded || document.visibilityState !== "visible" || !document.hasFocus()) return;
    client.markRead(conversationId);
  }

  function create(row) {
    if (row.type === "day") return h("li", { class: "day" }, h("span", {}, day(row.time)));
    if (row.type === "new") return h("li", { class: "new-line", "data-testid": "new-line" }, h("span", {}, t("newMessages")));
    return createBubble(row, deps);
  }

  function update() {
    const { timeline } = conversation;
    const name = nameOf(conversation);
    setText(title, name);
    setText(subtitle, conversation.peerId ? "" : t("memberCount", { n: conversation.memberCount }));
    updateAvatar(picture, conversation.peerId || conversationId, name, state.avatars.get(conversation.peerId));
    spinner.hidden = timeline.loaded;
    if (!timeline.loaded) return;
    // Keep what is being read where it is, whatever is put above it.
    const anchor = pinned ? null : [...list.querySelectorAll(".message")].find((each) => each.offsetTop + each.offsetHeight > scroller.scrollTop);
    const before = anchor?.offsetTop;
    reconcile(list, rowsOf(conversation, client.outbox.of(conversationId), state.me, newAfter), {
      key: (row) => row.key,
      create,
      update: (element, row) => row.type === "message" && updateBubble(element, row, deps),
    });
    if (target) {
      const found = list.querySelector(`[data-seq="${target}"]`);
      target = 0;
      found?.scrollIntoView({ block: "center" });
      found?.classList.add("found");
    } else if (pinned) scroller.scrollTop = scroller.scrollHeight;
    else if (anchor?.isConnected) scroller.scrollTop += anchor.offsetTop - before;
    showToEnd();
    seen();
  }

  const { timeline } = conversation;
  update();
  if (aroundSeq) {
    if (timeline.find(aroundSeq) === null) {
      timeline.clear();
      load(() => client.history.open(conversationId, aroundSeq));
    }
  } else if (!timeline.loaded || !timeline.attached) load(() => client.history.open(conversationId));
  else timeline.trim(120, "old");
  if (!conversation.peerId) client.loadMembers(conversationId).catch((error) => toast(explain(error), "error"));

  return {
    root, update, seen,
    topics: ["timeline", "conversations", "people", "members"],
    focus: writer.focus,
    close() {
      closed = true;
      resized.disconnect();
      writer.close();
    },
  };
}
