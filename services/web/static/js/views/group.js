// Groups: making one, its members, its name, leaving it.
import { h, iconButton, reconcile, setText } from "../dom.js";
import { t } from "../i18n.js";
import { avatar } from "./avatar.js";
import { confirm, guarded, openDialog, toast } from "./overlay.js";
import { personCard } from "./person.js";

/** A list of friends to choose from; `chosen` is the set that is filled. */
function chooser(state, people, chosen, changed) {
  if (!people.length) return h("p", { class: "empty" }, t("nobodyToAdd"));
  return h("ul", { class: "list chooser", "data-testid": "chooser" }, people.map((person) =>
    h("li", {}, h("label", { class: "row", "data-user": person.userId },
      h("input", { type: "checkbox", "data-testid": "choose", "data-name": person.nickname, onchange: ({ target }) => {
        if (target.checked) chosen.add(person.userId);
        else chosen.delete(person.userId);
        changed();
      } }),
      avatar(person.userId, person.nickname, state.avatars.get(person.userId)),
      h("span", { class: "row-name" }, person.nickname)))));
}

export function newGroup({ client, open }) {
  const { state } = client;
  const chosen = new Set();
  openDialog({
    title: t("newGroup"),
    testid: "group-new",
    content: (close) => {
      const name = h("input", { required: true, maxlength: 60, "data-testid": "group-name" });
      const button = h("button", { type: "submit", class: "button primary", disabled: true, "data-testid": "group-create" }, t("create"));
      const submit = async (event) => {
        event.preventDefault();
        const before = new Set(state.conversations.keys());
        const done = await guarded(button, async () => {
          await client.api.call("ChatSessionCreate", { chatSessionName: name.value.trim(), memberIdList: [state.me.userId, ...chosen] });
          await client.loadConversations();
        });
        if (!done) return;
        close();
        const made = [...state.conversations.values()].find((each) => !before.has(each.id) && !each.peerId);
        if (made) open(made.id);
      };
      return h("form", { onsubmit: submit },
        h("label", { class: "field" }, h("span", {}, t("groupName")), name),
        h("h3", { class: "list-title" }, t("members")),
        chooser(state, state.friends, chosen, () => {
          button.disabled = chosen.size === 0;
        }),
        h("div", { class: "actions" }, button));
    },
  });
}

function addMembers({ client, conversation }) {
  const { state } = client;
  const inside = new Set((state.members.get(conversation.id) ?? []).map((each) => each.userId));
  const chosen = new Set();
  openDialog({
    title: t("addMembers"),
    testid: "group-add",
    content: (close) => {
      const button = h("button", { type: "button", class: "button primary", disabled: true, "data-testid": "group-add-confirm", onclick: async () => {
        const done = await guarded(button, () => client.api.call("ChatSessionAddMember", { chatSessionId: conversation.id, memberIdList: [...chosen] }));
        if (!done) return;
        close();
        await Promise.all([client.loadMembers(conversation.id), client.loadConversations()]);
      } }, t("add"));
      return [
        chooser(state, state.friends.filter((each) => !inside.has(each.userId)), chosen, () => {
          button.disabled = chosen.size === 0;
        }),
        h("div", { class: "actions" }, button),
      ];
    },
  });
}

export function groupInfo({ client, conversation, open }) {
  const { state } = client;
  const { id } = conversation;
  const owner = () => conversation.ownerId === state.me.userId;
  const list = h("ul", { class: "list", "data-testid": "members" });
  const title = h("h3", { class: "list-title" });

  async function remove(control, person) {
    if (!(await confirm(t("removeMemberQuestion", { name: person.nickname }), t("remove"), { danger: true }))) return;
    const done = await guarded(control, () => client.api.call("ChatSessionRemoveMember", { chatSessionId: id, memberId: person.userId }));
    if (done) await Promise.all([client.loadMembers(id), client.loadConversations()]);
  }

  function update() {
    const members = state.members.get(id) ?? [];
    setText(title, t("memberCount", { n: members.length || conversation.memberCount }));
    reconcile(list, members, {
      key: (each) => `${each.userId}${owner()}`,
      create: (person) => h("li", { class: "line", "data-testid": "member", "data-user": person.userId },
        h("button", { type: "button", class: "row", onclick: () => personCard({ client, person, open }) },
          avatar(person.userId, person.nickname, person.avatar),
          h("span", { class: "row-main" },
            h("span", { class: "row-name" }, person.nickname),
            person.userId === conversation.ownerId ? h("span", { class: "row-text" }, t("owner")) : null)),
        owner() && person.userId !== state.me.userId
          ? iconButton("close", t("removeMember", { name: person.nickname }), { "data-testid": "member-remove", onclick: ({ currentTarget }) => remove(currentTarget, person) })
          : null),
    });
  }

  const onchange = () => update();
  for (const topic of ["members", "conversations"]) state.addEventListener(topic, onchange);
  openDialog({
    title: t("groupDetails"),
    testid: "group-info",
    onclose: () => {
      for (const topic of ["members", "conversations"]) state.removeEventListener(topic, onchange);
    },
    content: (close) => {
      const name = h("input", { value: conversation.name, required: true, maxlength: 60, "data-testid": "group-rename" });
      const save = h("button", { type: "submit", class: "button tinted", "data-testid": "group-rename-save" }, t("save"));
      const rename = async (event) => {
        event.preventDefault();
        const chatSessionName = name.value.trim();
        const done = await guarded(save, () => client.api.call("RenameChatSession", { chatSessionId: id, chatSessionName }));
        if (!done) return;
        state.rename(id, chatSessionName);
        toast(t("saved"));
      };
      const leave = async ({ currentTarget }) => {
        if (!(await confirm(t("leaveQuestion", { name: conversation.name }), t("leaveGroup"), { danger: true }))) return;
        const done = await guarded(currentTarget, () => client.api.call("ChatSessionRemoveMember", { chatSessionId: id, memberId: state.me.userId }));
        if (!done) return;
        close();
        state.remove(id);
      };
      update();
      client.loadMembers(id).catch(() => {});
      return [
        owner()
          ? h("form", { class: "inline-form", onsubmit: rename }, h("label", { class: "field" }, h("span", {}, t("groupName")), name), save)
          : h("p", { class: "group-title" }, conversation.name),
        h("div", { class: "title-line" }, title, h("button", { type: "button", class: "button link", "data-testid": "group-add-open", onclick: () => addMembers({ client, conversation }) }, t("addMembers"))),
        list,
        h("div", { class: "actions" }, h("button", { type: "button", class: "button danger-quiet", "data-testid": "group-leave", onclick: leave }, t("leaveGroup"))),
      ];
    },
  });
}
