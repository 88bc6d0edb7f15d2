// Where the login session stays: in localStorage when the person wants to stay signed in, else in sessionStorage, which ends
// with the tab. Scripts of this origin can read either; the Content Security Policy lets no foreign script run here.

const KEY = "chatsystem.session";
const PREFERENCE = "chatsystem.preference.";

function areas() {
  return [sessionStorage, localStorage];
}

export function readSession() {
  for (const area of areas()) {
    const found = area.getItem(KEY);
    if (found) return found;
  }
  return "";
}

export function writeSession(sessionId, stay) {
  clearSession();
  (stay ? localStorage : sessionStorage).setItem(KEY, sessionId);
}

export function clearSession() {
  for (const area of areas()) area.removeItem(KEY);
}

export function preference(name, fallback = "") {
  return localStorage.getItem(PREFERENCE + name) ?? fallback;
}

export function prefer(name, value) {
  if (value === "") localStorage.removeItem(PREFERENCE + name);
  else localStorage.setItem(PREFERENCE + name, value);
}

export function applyTheme() {
  document.documentElement.dataset.theme = preference("theme", "auto");
}
