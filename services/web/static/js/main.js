// Begins: the login page, or everything else for somebody with a session.
import { Api } from "./api.js";
import { Client } from "./client.js";
import { h } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import { applyTheme, clearSession, readSession } from "./session.js";
import { loginView } from "./views/login.js";
import { shellView } from "./views/shell.js";

const page = document.getElementById("app");
let client = null;
let shell = null;

function splash(words) {
  page.replaceChildren(h("main", { class: "splash", role: "status" }, h("p", {}, words)));
}

function showLogin(notice = "") {
  document.title = "ChatSystem";
  page.replaceChildren(loginView({ api: new Api(), onSession: signIn, notice }));
}

function showShell() {
  shell?.close();
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  shell = shellView(client);
  page.replaceChildren(shell.root);
}

async function signIn(sessionId) {
  client = new Client();
  client.addEventListener("unreachable", () => splash(t("serverAway")));
  client.addEventListener("over", ({ detail: reason }) => {
    shell?.close();
    shell = null;
    client = null;
    clearSession();
    for (const dialog of document.querySelectorAll("dialog")) dialog.close();
    history.replaceState(null, "", location.pathname);
    showLogin(reason === "expired" ? t("sessionOver") : "");
  });
  splash(t("loading"));
  const mine = client;
  await mine.start(sessionId);
  if (client === mine && mine.running) showShell();
}

applyTheme();
onLanguage(() => shell && showShell());
const sessionId = readSession();
if (sessionId) signIn(sessionId);
else showLogin();
