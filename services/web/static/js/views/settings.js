// One's own profile, and the settings of this device and of the account.
import { h, icon, setText } from "../dom.js";
import { LANGUAGES, language, setLanguage, t } from "../i18n.js";
import { prepareAvatar } from "../media.js";
import { applyTheme, preference, prefer } from "../session.js";
import { avatar, updateAvatar } from "./avatar.js";
import { confirm, guarded, openDialog, toast } from "./overlay.js";

const THEMES = ["auto", "light", "dark"];

function choice(label, options, current, testid, choose) {
  return h("div", { class: "setting" }, h("span", {}, label),
    h("select", { "aria-label": label, "data-testid": testid, onchange: ({ target }) => choose(target.value) },
      options.map(([value, name]) => h("option", { value, selected: value === current }, name))));
}

function changePassword(client) {
  openDialog({
    title: t("changePassword"),
    testid: "password-dialog",
    className: "small",
    content: (close) => {
      const error = h("p", { class: "error", role: "alert" });
      const button = h("button", { type: "submit", class: "button primary", "data-testid": "password-save" }, t("save"));
      const input = (name, label, autocomplete) =>
        h("label", { class: "field" }, h("span", {}, label), h("input", { type: "password", name, required: true, autocomplete, "data-testid": `password-${name}` }));
      const submit = async (event) => {
        event.preventDefault();
        const values = Object.fromEntries(new FormData(event.currentTarget));
        setText(error, values.fresh === values.repeat ? "" : t("passwordsDiffer"));
        if (error.textContent) return;
        const done = await guarded(button, () => client.api.call("ChangePassword", { oldPassword: values.old, newPassword: values.fresh }));
        if (!done) return;
        close();
        toast(t("passwordChanged"));
      };
      return h("form", { onsubmit: submit },
        input("old", t("oldPassword"), "current-password"),
        input("fresh", t("newPassword"), "new-password"),
        input("repeat", t("repeatPassword"), "new-password"),
        error, h("div", { class: "actions" }, button));
    },
  });
}

export function settingsView({ client }) {
  const { state } = client;
  const picture = avatar("", "", null, "large");
  const nickname = h("input", { name: "nickname", required: true, maxlength: 64, "data-testid": "profile-nickname", value: state.me.nickname });
  const description = h("textarea", { name: "description", rows: 3, maxlength: 1000, "data-testid": "profile-description", value: state.me.description });
  const save = h("button", { type: "submit", class: "button primary", "data-testid": "profile-save" }, t("save"));
  const chooser = h("input", { type: "file", accept: "image/*", hidden: true, "data-testid": "avatar-input", onchange: async () => {
    const [file] = chooser.files;
    chooser.value = "";
    if (!file) return;
    let bytes;
    try {
      bytes = await prepareAvatar(file);
    } catch {
      toast(t("notAPicture", { name: file.name }), "error");
      return;
    }
    await guarded(pick, async () => {
      await client.api.call("SetUserAvatar", { avatar: bytes });
      await client.loadMe();
    });
  } });
  const pick = h("button", { type: "button", class: "avatar-pick", "aria-label": t("changePicture"), title: t("changePicture"), onclick: () => chooser.click() }, picture, h("span", { class: "avatar-edit" }, icon("edit")));

  async function submit(event) {
    event.preventDefault();
    const done = await guarded(save, async () => {
      const [name, about] = [nickname.value.trim(), description.value.trim()];
      if (name !== state.me.nickname) await client.api.call("SetUserNickname", { nickname: name });
      if (about !== state.me.description) await client.api.call("SetUserDescription", { description: about });
      await client.loadMe();
    });
    if (done) toast(t("saved"));
  }

  async function leave(control, everywhere) {
    const question = everywhere ? t("logoutEverywhereQuestion") : t("logoutQuestion");
    const waiting = client.outbox.entries.length ? ` ${t("unsentWarning", { n: client.outbox.entries.length })}` : "";
    if (await confirm(question + waiting, everywhere ? t("logoutEverywhere") : t("logout"))) await guarded(control, () => client.logout(everywhere));
  }

  const root = h("section", { class: "pane-content settings", "aria-label": t("settings") },
    h("header", { class: "pane-head" }, h("h1", {}, t("settings"))),
    h("form", { class: "card", onsubmit: submit },
      h("div", { class: "center" }, pick, chooser),
      h("label", { class: "field" }, h("span", {}, t("nickname")), nickname),
      h("label", { class: "field" }, h("span", {}, t("description")), description),
      h("div", { class: "actions" }, save)),
    h("div", { class: "card" },
      choice(t("language"), LANGUAGES, language(), "setting-language", setLanguage),
      choice(t("theme"), THEMES.map((each) => [each, t(`theme_${each}`)]), preference("theme", "auto"), "setting-theme", (value) => {
        prefer("theme", value === "auto" ? "" : value);
        applyTheme();
      })),
    h("div", { class: "card buttons" },
      h("button", { type: "button", class: "button quiet wide", "data-testid": "change-password", onclick: () => changePassword(client) }, t("changePassword")),
      h("button", { type: "button", class: "button quiet wide", "data-testid": "logout", onclick: ({ currentTarget }) => leave(currentTarget, false) }, t("logout")),
      h("button", { type: "button", class: "button danger-quiet wide", "data-testid": "logout-everywhere", onclick: ({ currentTarget }) => leave(currentTarget, true) }, t("logoutEverywhere"))));

  function update() {
    updateAvatar(picture, state.me.userId, state.me.nickname, state.me.avatar);
  }

  update();
  return { root, update, topics: ["me"] };
}
