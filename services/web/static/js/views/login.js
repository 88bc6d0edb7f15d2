// Signing in and registering.
import { h, icon } from "../dom.js";
import { LANGUAGES, language, setLanguage, t } from "../i18n.js";
import { writeSession } from "../session.js";
import { explain } from "./overlay.js";

function field(name, label, props) {
  return h("label", { class: "field" }, h("span", {}, label), h("input", { name, required: true, "data-testid": `login-${name}`, ...props }));
}

/** `onSession(sessionId)` is called once signed in; `notice` says why one is here again. */
export function loginView({ api, onSession, notice = "" }) {
  let registering = false;
  const root = h("main", { class: "login" });

  async function submit(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const values = Object.fromEntries(new FormData(form));
    const message = form.querySelector("[role=alert]");
    const button = form.querySelector("button[type=submit]");
    message.textContent = "";
    if (registering && values.password !== values.repeat) {
      message.textContent = t("passwordsDiffer");
      return;
    }
    button.disabled = true;
    try {
      const who = { nickname: values.nickname.trim(), password: values.password };
      if (registering) await api.call("UserRegister", who);
      const { loginSessionId } = await api.call("UserLogin", who);
      writeSession(loginSessionId, values.stay === "on");
      onSession(loginSessionId);
    } catch (error) {
      message.textContent = explain(error);
    } finally {
      button.disabled = false;
    }
  }

  function render(keep = {}) {
    const form = h("form", { class: "card login-card", onsubmit: submit, "data-testid": "login-form" },
      h("div", { class: "brand" }, h("span", { class: "brand-mark" }, icon("chats")), h("h1", {}, "ChatSystem")),
      h("p", { class: "quiet" }, registering ? t("registerHint") : t("loginHint")),
      field("nickname", t("nickname"), { autocomplete: "username", maxlength: 64, value: keep.nickname ?? "" }),
      field("password", t("password"), { type: "password", value: keep.password ?? "", autocomplete: registering ? "new-password" : "current-password" }),
      registering && field("repeat", t("repeatPassword"), { type: "password", autocomplete: "new-password" }),
      h("label", { class: "check" }, h("input", { type: "checkbox", name: "stay", checked: true, "data-testid": "login-stay" }), h("span", {}, t("stayLoggedIn"))),
      h("p", { class: "error", role: "alert", "data-testid": "login-error" }, keep.notice ?? ""),
      h("button", { type: "submit", class: "button primary wide", "data-testid": "login-submit" }, registering ? t("register") : t("login")),
      h("button", { type: "button", class: "button quiet wide", "data-testid": "login-toggle", onclick: () => {
        registering = !registering;
        again();
      } }, registering ? t("haveAccount") : t("noAccount")),
    );
    const languages = h("div", { class: "languages", role: "group", "aria-label": t("language") },
      LANGUAGES.map(([code, name]) => h("button", {
        type: "button", class: "button link", lang: code, "aria-pressed": String(code === language()), "data-testid": `language-${code}`,
        onclick: () => {
          setLanguage(code);
          again();
        },
      }, name)));
    root.replaceChildren(form, languages);
    form.elements[keep.nickname ? "password" : "nickname"].focus();
  }

  function again() {
    const { nickname, password } = root.querySelector("form").elements;
    render({ nickname: nickname.value, password: password.value });
  }

  render({ notice });
  return root;
}
