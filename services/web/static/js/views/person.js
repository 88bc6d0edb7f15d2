// A person's card: picture, name, introduction, and what can be done with them.
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { avatar } from "./avatar.js";
import { confirm, guarded, openDialog, toast } from "./overlay.js";

export function conversationWith(state, userId) {
  return [...state.conversations.values()].find((each) => each.peerId === userId) ?? null;
}

/** `person` is a UserInfo. `open(conversationId)` opens a conversation. */
export function personCard({ client, person, open }) {
  const { state } = client;
  const conversation = conversationWith(state, person.userId);
  const isFriend = state.friends.some((each) => each.userId === person.userId);
  openDialog({
    title: person.nickname,
    testid: "person",
    className: "small",
    content: (close) => {
      const actions = [];
      if (conversation) {
        actions.push(h("button", { type: "button", class: "button primary", "data-testid": "person-chat", onclick: () => {
          close();
          open(conversation.id);
        } }, t("sendMessage")));
      }
      if (isFriend) {
        actions.push(h("button", { type: "button", class: "button danger-quiet", "data-testid": "person-remove", onclick: async ({ currentTarget }) => {
          if (!(await confirm(t("removeFriendQuestion", { name: person.nickname }), t("removeFriend"), { danger: true }))) return;
          const done = await guarded(currentTarget, () => client.api.call("FriendRemove", { peerId: person.userId }));
          if (!done) return;
          close();
          await Promise.all([client.loadFriends(), client.loadConversations()]);
        } }, t("removeFriend")));
      } else if (person.userId !== state.me.userId) {
        actions.push(applyButton(client, person, "primary"));
      }
      return [
        h("div", { class: "person" },
          avatar(person.userId, person.nickname, person.avatar?.length ? person.avatar : state.avatars.get(person.userId), "large"),
          h("p", { class: "person-name" }, person.nickname),
          h("p", { class: "quiet prewrap" }, person.description || t("noDescription"))),
        h("div", { class: "actions" }, actions),
      ];
    },
  });
}

/** The button that asks somebody to be a friend. */
export function applyButton(client, person, look = "tinted") {
  return h("button", { type: "button", class: `button ${look}`, "data-testid": "apply", onclick: async ({ currentTarget }) => {
    const done = await guarded(currentTarget, () => client.api.call("FriendAdd", { respondentId: person.userId }));
    if (!done) return;
    toast(t("applied", { name: person.nickname }));
    currentTarget.disabled = true;
    currentTarget.textContent = t("appliedShort");
  } }, t("addFriend"));
}
