// What lies over the page for a while: dialogs, questions, short notices.
import { Refused } from "../api.js";
import { h, iconButton } from "../dom.js";
import { serverWords, t } from "../i18n.js";

/** Opens a dialog. Escape, the cross and a click beside it close it; `onclose` follows. Returns the <dialog>. */
export function openDialog({ title, testid, className = "", content, onclose }) {
  const dialog = h("dialog", { class: `dialog ${className}`, "aria-label": title, "data-testid": testid });
  const close = () => dialog.close();
  const body = h("div", { class: "dialog-body" });
  dialog.append(
    h("header", { class: "dialog-head" }, h("h2", {}, title), iconButton("close", t("close"), { onclick: close, "data-testid": "dialog-close" })),
    body,
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    onclose?.();
  });
  document.body.append(dialog);
  body.append(...[content(close)].flat());
  dialog.showModal();
  return dialog;
}

/** Asks a question; resolves with whether the answer was yes. */
export function confirm(question, action, { danger = false } = {}) {
  return new Promise((resolve) => {
    let answer = false;
    openDialog({
      title: action,
      testid: "confirm",
      className: "small",
      onclose: () => resolve(answer),
      content: (close) => [
        h("p", {}, question),
        h("div", { class: "actions" },
          h("button", { type: "button", class: "button quiet", onclick: close }, t("cancel")),
          h("button", {
            type: "button", class: `button ${danger ? "danger" : "primary"}`, "data-testid": "confirm-yes",
            onclick: () => {
              answer = true;
              close();
            },
          }, action)),
      ],
    });
  });
}

let region;

/** A short notice that goes away by itself. */
export function toast(text, kind = "info") {
  region ??= h("div", { class: "toasts", role: "status", "aria-live": "polite", popover: "manual" });
  if (!region.isConnected) document.body.append(region);
  const note = h("div", { class: `toast ${kind}`, "data-testid": "toast" }, text);
  region.append(note);
  try {
    region.hidePopover();
    region.showPopover(); // once more, to be above a dialog that was opened since
  } catch {
    // A browser without popovers shows it in the page, below dialogs.
  }
  setTimeout(() => {
    note.remove();
    if (!region.children.length && region.matches(":popover-open")) region.hidePopover();
  }, 5000);
}

/** Words for an error of Api.call. */
export function explain(error) {
  if (error instanceof Refused) return serverWords(error.message);
  return error?.words ? serverWords(error.words) : t("unreachable");
}

/** Runs what a button or form started: disabled meanwhile, errors shown. Returns whether it succeeded. */
export async function guarded(control, action) {
  if (control?.disabled) return false;
  if (control) control.disabled = true;
  try {
    await action();
    return true;
  } catch (error) {
    toast(explain(error), "error");
    return false;
  } finally {
    if (control) control.disabled = false;
  }
}
