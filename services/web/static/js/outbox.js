// What was sent and is not acknowledged yet. Kept in IndexedDB, so that a reload, a crash of the browser or days without a
// network lose nothing; in memory alone where the browser offers no database (some private windows).
import { newId } from "./ids.js";

const DATABASE = "chatsystem";
const STORE = "outbox";

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function open() {
  try {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "requestId" });
    return await settled(request);
  } catch {
    return null;
  }
}

export class Outbox {
  constructor() {
    this.entries = []; // in the order of sending
    this.userId = "";
    this.database = null;
    this.counter = 0;
  }

  /** Takes up what this person left behind the last time. */
  async load(userId) {
    this.userId = userId;
    this.entries = [];
    this.database ??= await open();
    if (!this.database) return;
    const all = await settled(this.database.transaction(STORE).objectStore(STORE).getAll());
    this.entries = all
      .filter((each) => each.userId === userId)
      .sort((a, b) => a.order - b.order)
      .map((each) => ({ ...each, state: each.error ? "refused" : "queued", stored: true, notBefore: 0 }));
  }

  /** Adds something to send: {conversationId, kind, text, bytes, fileName}. Resolves once it is on disk. */
  async add(fields) {
    this.counter += 1;
    const entry = {
      requestId: newId(),
      userId: this.userId,
      order: Date.now() * 1000 + (this.counter % 1000),
      time: Date.now(),
      text: "",
      bytes: null,
      fileName: "",
      error: "",
      ...fields,
      state: "queued", // queued, inflight, accepted (answered, its place in the history not known yet), refused
      stored: false,
      notBefore: 0,
    };
    this.entries.push(entry);
    await this.#write(entry);
    entry.stored = true;
    return entry;
  }

  of(conversationId) {
    return this.entries.filter((each) => each.conversationId === conversationId);
  }

  get(requestId) {
    return this.entries.find((each) => each.requestId === requestId) ?? null;
  }

  /** The server has it: it need not be kept, but is shown until the history brings it. */
  accept(entry) {
    entry.state = "accepted";
    this.#erase(entry.requestId);
  }

  refuse(entry, error) {
    entry.state = "refused";
    entry.error = error || "?";
    return this.#write(entry);
  }

  retry(entry) {
    entry.state = "queued";
    entry.error = "";
    entry.notBefore = 0;
    return this.#write(entry);
  }

  /** Returns whether there was such an entry. */
  remove(requestId) {
    const before = this.entries.length;
    this.entries = this.entries.filter((each) => each.requestId !== requestId);
    if (this.entries.length === before) return false;
    this.#erase(requestId);
    return true;
  }

  async #write(entry) {
    if (!this.database) return;
    const { stored, state, notBefore, ...kept } = entry;
    try {
      await settled(this.database.transaction(STORE, "readwrite").objectStore(STORE).put(kept));
    } catch {
      // The disk is full: it is still sent, it only would not survive a reload.
    }
  }

  #erase(requestId) {
    if (!this.database) return;
    this.database.transaction(STORE, "readwrite").objectStore(STORE).delete(requestId);
  }
}
