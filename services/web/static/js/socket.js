// The WebSocket: authentication, frames, requests with their answers, dead-link detection, reconnecting.
//
// States: "off", "connecting", "ready", "waiting" (for the next attempt, at `retryAt`). Emits "state", "frame" (detail: a
// ServerFrame), "welcome", and "rejected" when the login session is not valid any more. A closed connection fails the
// requests that had no answer; whoever made them decides whether to repeat them.
import { Backoff } from "./backoff.js";
import { decode, encode } from "./codec.js";
import { newId } from "./ids.js";

const REJECTED = 1003;
const DISPLACED = 4001;
const DISPLACED_FOR = 300000; // or until the person looks at this page again
const WELCOME_WITHIN = 10000;
const PING_EVERY = 15000;
const PONG_WITHIN = 8000;
const ANSWER_WITHIN = 20000;

export class Disconnected extends Error {}

export class ChatSocket extends EventTarget {
  /** `address(attempt)` gives, asynchronously, the URL to connect to; attempts count from 0 since the last that worked. */
  constructor(address, { backoff = new Backoff() } = {}) {
    super();
    this.address = address;
    this.backoff = backoff;
    this.sessionId = "";
    this.state = "off";
    this.retryAt = 0;
    this.downSince = Date.now();
    this.pending = new Map(); // request id -> {resolve, reject, timer}
  }

  get ready() {
    return this.state === "ready";
  }

  start(sessionId) {
    this.stop();
    this.sessionId = sessionId;
    this.backoff.reset();
    this.#connect();
  }

  stop() {
    this.sessionId = "";
    clearTimeout(this.timer);
    this.#detach();
    this.#become("off");
  }

  /** Do not wait for the next attempt; and see whether a connection that looks alive is. */
  hurry() {
    if (this.state === "waiting") {
      clearTimeout(this.timer);
      this.#connect();
    } else if (this.ready) this.#ping();
  }

  send(frame) {
    if (!this.ready) throw new Disconnected("not connected");
    this.socket.send(encode("ClientFrame", frame));
  }

  /** Sends a frame and resolves with the answer to its request id. `kind` is the oneof's field, as "sync". */
  request(kind, fields) {
    const requestId = fields.requestId ?? newId();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(requestId, null), ANSWER_WITHIN);
      this.pending.set(requestId, { resolve, reject, timer });
      try {
        this.send({ [kind]: { ...fields, requestId } });
      } catch (error) {
        this.#settle(requestId, null, error);
      }
    });
  }

  #become(state) {
    if (state === this.state) return;
    if (this.state === "ready") this.downSince = Date.now();
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }

  async #connect() {
    const session = this.sessionId;
    this.#become("connecting");
    let url;
    try {
      url = await this.address(this.backoff.attempts);
    } catch {
      if (session === this.sessionId && session) this.#retry();
      return;
    }
    if (session !== this.sessionId || !session || this.socket) return;
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.goAwayUntil = 0;
    this.watchdog = setTimeout(() => this.#drop(), WELCOME_WITHIN);
    socket.onopen = () => {
      socket.send(encode("ClientAuthenticationReq", { requestId: newId(), sessionId: session, protocol: 1 }));
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => {
      if (code === REJECTED) {
        this.stop();
        this.dispatchEvent(new Event("rejected"));
      } else this.#drop(code === DISPLACED ? DISPLACED_FOR : 0);
    };
  }

  #receive(data) {
    let frame;
    try {
      frame = decode("ServerFrame", new Uint8Array(data));
    } catch {
      this.#drop(); // a stream that cannot be read cannot be trusted: begin anew and synchronise
      return;
    }
    clearTimeout(this.watchdog);
    this.watchdog = null;
    if (frame.welcome) {
      this.backoff.reset();
      const wanted = frame.welcome.pingIntervalMs || PING_EVERY;
      this.pinger = setInterval(() => this.#ping(), Math.min(PING_EVERY, wanted * 0.8));
      this.#become("ready");
      this.dispatchEvent(new CustomEvent("welcome", { detail: frame.welcome }));
      return;
    }
    if (frame.goAway) {
      this.goAwayUntil = Date.now() + frame.goAway.reconnectAfterMs;
      this.leaving = setTimeout(() => this.#drop(), frame.goAway.reconnectAfterMs);
      return;
    }
    const answer = frame.ack ?? frame.sync ?? frame.markRead;
    if (answer && this.pending.has(answer.requestId)) this.#settle(answer.requestId, answer);
    else this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
  }

  #ping() {
    if (!this.ready || this.watchdog) return;
    this.send({ ping: { requestId: newId() } });
    const sending = this.socket.bufferedAmount;
    this.watchdog = setTimeout(() => {
      // A big upload on a slow link is not a dead link.
      this.watchdog = null;
      const left = this.socket?.bufferedAmount ?? 0;
      if (left > 0 && left < sending) this.#ping();
      else this.#drop();
    }, PONG_WITHIN);
  }

  #settle(requestId, answer, error = new Disconnected("no answer")) {
    const waiting = this.pending.get(requestId);
    if (!waiting) return;
    this.pending.delete(requestId);
    clearTimeout(waiting.timer);
    if (answer) waiting.resolve(answer);
    else waiting.reject(error);
  }

  #detach() {
    const socket = this.socket;
    clearTimeout(this.watchdog);
    clearTimeout(this.leaving);
    clearInterval(this.pinger);
    this.watchdog = null;
    this.socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    for (const requestId of [...this.pending.keys()]) this.#settle(requestId, null);
  }

  #drop(least = 0) {
    this.#detach();
    if (this.sessionId) this.#retry(least);
  }

  #retry(least = 0) {
    const wait = Math.max(this.goAwayUntil - Date.now() || 0, this.backoff.next(), least);
    this.goAwayUntil = 0;
    this.retryAt = Date.now() + wait;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#connect(), wait);
    this.#become("waiting");
  }
}
