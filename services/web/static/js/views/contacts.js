// People: looking for somebody, applications to answer, friends.
import { h, reconcile, setText } from "../dom.js";
import { t } from "../i18n.js";
import { avatar, updateAvatar } from "./avatar.js";
import { explain, guarded } from "./overlay.js";
import { applyButton, personCard } from "./person.js";

const PAUSE = 300; // milliseconds after the last key before a search is made

function line(person, testid, onclick, ...actions) {
  return h("li", { class: "line", "data-testid": testid, "data-user": person.userId },
    h("button", { type: "button", class: "row", onclick },
      avatar(person.userId, person.nickname, person.avatar),
      h("span", { class: "row-main" },
        h("span", { class: "row-name" }, person.nickname),
        h("span", { class: "row-text" }, person.description))),
    actions.length ? h("span", { class: "line-actions" }, actions) : null);
}

export function contactsView({ client, open }) {
  const { state } = client;
  let timer;
  let latest = 0;
  const found = h("ul", { class: "list", "data-testid": "people-found" });
  const foundNote = h("p", { class: "empty small", role: "status" });
  const more = h("button", { type: "button", class: "button quiet", "data-testid": "people-more", hidden: true }, t("showMore"));
  const applications = h("ul", { class: "list", "data-testid": "applications" });
  const applicationsPart = h("section", {}, h("h2", { class: "list-title" }, t("applications")), applications);
  const friends = h("ul", { class: "list", "data-testid": "friends" });
  const noFriends = h("p", { class: "empty" }, t("noFriends"));
  const mine = h("div", {}, applicationsPart, h("h2", { class: "list-title" }, t("friends")), friends, noFriends);
  const results = h("div", { hidden: true }, found, foundNote, more);
  const input = h("input", { type: "search", placeholder: t("findPeople"), "aria-label": t("findPeople"), "data-testid": "people-search",
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(search, PAUSE);
    } });
  const root = h("section", { class: "pane-content", "aria-label": t("contacts") },
    h("header", { class: "pane-head" }, h("h1", {}, t("contacts"))),
    h("div", { class: "pane-search" }, input), results, mine);

  async function search(pageToken = "") {
    const searchKey = input.value.trim();
    latest += 1;
    const turn = latest;
    results.hidden = !searchKey;
    mine.hidden = Boolean(searchKey);
    if (!searchKey) return;
    try {
      const answer = await client.api.call("FriendSearch", { searchKey, limit: 20, pageToken });
      if (turn !== latest) return;
      if (!pageToken) found.replaceChildren();
      for (const person of answer.userInfo) {
        const isFriend = state.friends.some((each) => each.userId === person.userId);
        const self = person.userId === state.me.userId;
        found.append(line(person, "person-found", () => personCard({ client, person, open }), ...(isFriend || self ? [] : [applyButton(client, person)])));
      }
      setText(foundNote, found.children.length ? "" : t("nothingFound"));
      more.hidden = !answer.nextPageToken;
      more.onclick = () => search(answer.nextPageToken);
    } catch (error) {
      if (turn === latest) setText(foundNote, explain(error));
    }
  }

  async function answer(control, event, agree) {
    const done = await guarded(control, () =>
      client.api.call("FriendAddProcess", { notifyEventId: event.eventId, agree, applyUserId: event.sender.userId }));
    if (done) await client.refresh();
    else await client.loadApplications().catch(() => {});
  }

  function application(event) {
    return line(event.sender, "application", () => personCard({ client, person: event.sender, open }),
      h("button", { type: "button", class: "button primary", "data-testid": "accept", onclick: ({ currentTarget }) => answer(currentTarget, event, true) }, t("accept")),
      h("button", { type: "button", class: "button quiet", "data-testid": "decline", onclick: ({ currentTarget }) => answer(currentTarget, event, false) }, t("decline")));
  }

  function update() {
    reconcile(applications, state.applications, { key: (each) => each.eventId || each.sender.userId, create: application });
    applicationsPart.hidden = state.applications.length === 0;
    const sorted = [...state.friends].sort((a, b) => a.nickname.localeCompare(b.nickname));
    reconcile(friends, sorted, {
      key: (each) => each.userId,
      create: (person) => line(person, "friend", () => personCard({ client, person: state.friends.find((each) => each.userId === person.userId) ?? person, open })),
      update: (element, person) => {
        updateAvatar(element.querySelector(".avatar"), person.userId, person.nickname, person.avatar);
        setText(element.querySelector(".row-name"), person.nickname);
        setText(element.querySelector(".row-text"), person.description);
      },
    });
    noFriends.hidden = sorted.length > 0;
  }

  update();
  return { root, update, topics: ["people"] };
}
