// Brings the outbox to the server. One message of a conversation is under way at a time, so that what was sent first is
// first; a message is repeated under the same request id until there is an answer, which the server recognises.
import { Refused } from "./api.js";
import { Backoff } from "./backoff.js";
import { contentOf } from "./message.js";

const SOCKET_LIMIT = 64 * 1024; // bigger ones go over HTTP and leave the socket to short messages
const HTTP_AFTER = 3000; // how long a short message waits for the socket

export class Sender {
  /** `onAck(entry, ack)`: it has its place. `onAccepted(entry)`: sent over HTTP, a synchronisation will tell its place. */
  constructor({ outbox, api, socket, onAck, onAccepted, onChange }) {
    Object.assign(this, { outbox, api, socket, onAck, onAccepted, onChange });
    this.backoffs = new Map();
  }

  stop() {
    clearTimeout(this.timer);
    this.backoffs.clear();
  }

  pump() {
    clearTimeout(this.timer);
    const heads = new Map();
    for (const entry of this.outbox.entries) {
      if (entry.state === "refused" || entry.state === "accepted") continue;
      if (!heads.has(entry.conversationId)) heads.set(entry.conversationId, entry);
    }
    let wake = Infinity;
    for (const entry of heads.values()) {
      if (entry.state !== "queued" || !entry.stored) continue;
      const wait = this.#wait(entry);
      if (wait <= 0) this.#transmit(entry);
      else wake = Math.min(wake, wait);
    }
    if (wake < Infinity) this.timer = setTimeout(() => this.pump(), wake);
  }

  #wait(entry) {
    const rest = entry.notBefore - Date.now();
    if (this.#fitsSocket(entry) && !this.socket.ready) return Math.max(rest, this.socket.downSince + HTTP_AFTER - Date.now());
    return rest;
  }

  #fitsSocket(entry) {
    return (entry.bytes?.length ?? 0) <= SOCKET_LIMIT;
  }

  /** There is a connection: whatever waited for an attempt over HTTP goes now. */
  resume() {
    for (const entry of this.outbox.entries) entry.notBefore = 0;
    this.pump();
  }

  async #transmit(entry) {
    entry.state = "inflight";
    const overSocket = this.socket.ready && this.#fitsSocket(entry);
    const fields = {
      requestId: entry.requestId,
      chatSessionId: entry.conversationId,
      message: contentOf(entry),
    };
    try {
      if (overSocket) {
        const ack = await this.socket.request("send", fields);
        if (ack.success) {
          this.backoffs.delete(entry.conversationId);
          this.onAck(entry, ack);
        } else if (ack.retryAfterMs > 0) this.#later(entry, ack.retryAfterMs);
        else await this.outbox.refuse(entry, ack.errmsg);
      } else {
        await this.api.call("NewMessage", fields);
        this.backoffs.delete(entry.conversationId);
        this.outbox.accept(entry);
        this.onAccepted(entry);
      }
    } catch (error) {
      if (error instanceof Refused) await this.outbox.refuse(entry, error.message);
      else if (overSocket && !this.socket.ready) this.#later(entry, 0); // goes again with the next connection
      else this.#later(entry, this.#backoff(entry).next());
    }
    this.onChange(entry.conversationId);
    this.pump();
  }

  #later(entry, wait) {
    entry.state = "queued";
    entry.notBefore = Date.now() + wait;
  }

  #backoff(entry) {
    if (!this.backoffs.has(entry.conversationId)) this.backoffs.set(entry.conversationId, new Backoff());
    return this.backoffs.get(entry.conversationId);
  }
}
