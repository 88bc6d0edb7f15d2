// Catching up: what happened since the newest messages known here, after a connection was lost or a message was missed.
import { Refused } from "./api.js";
import { Backoff } from "./backoff.js";

export class Synchroniser {
  /** `client` gives api, socket, state, outbox, sender and the loading of lists. */
  constructor(client) {
    this.client = client;
    this.backoff = new Backoff({ first: 1000 });
    this.running = null;
    this.again = false;
  }

  stop() {
    clearTimeout(this.timer);
  }

  /** Everything that may have changed without a connection; again and again until it is known or the connection is lost. */
  async catchUp() {
    const { client } = this;
    clearTimeout(this.timer);
    try {
      await Promise.all([client.loadConversations(), client.loadFriends(), client.loadApplications()]);
      await this.sync();
      this.backoff.reset();
    } catch {
      if (client.running && client.socket.ready) this.timer = setTimeout(() => this.catchUp(), this.backoff.next());
    }
  }

  /** Another epoch: the history was restored to an older state. None: the server does not know it right now. */
  inEpoch(epoch) {
    const { state } = this.client;
    if (!epoch) return;
    if (state.epoch && state.epoch !== epoch) state.forgetHistory();
    state.epoch = epoch;
  }

  /** One synchronisation at a time; a call during another makes it run once more. */
  sync() {
    if (this.running) {
      this.again = true;
      return this.running;
    }
    this.running = this.#run().finally(() => {
      this.running = null;
      if (!this.again || !this.client.running) return;
      this.again = false;
      this.sync().catch(() => {});
    });
    return this.running;
  }

  async #run() {
    const { client } = this;
    const { state, outbox } = client;
    let unknown = false;
    for (let complete = false; !complete && client.running; ) {
      const answer = await this.#ask({ epoch: state.epoch, cursor: state.cursors() });
      this.inEpoch(answer.epoch);
      let moved = false;
      for (const delta of answer.delta) {
        for (const { requestId } of delta.message) if (requestId) outbox.remove(requestId);
        if (state.applyDelta(delta)) moved ||= delta.message.length > 0;
        else unknown = true;
      }
      for (const id of answer.gone) state.remove(id);
      complete = answer.complete || !moved;
    }
    if (unknown) await client.loadConversations();
    const open = state.conversation(state.openId);
    if (open && !open.timeline.loaded) await client.history.open(open.id);
    client.sender.pump();
  }

  async #ask(fields) {
    const { api, socket } = this.client;
    if (!socket.ready) return api.call("Sync", fields);
    const answer = await socket.request("sync", fields);
    if (!answer.success) throw new Refused(answer.errmsg);
    return answer;
  }
}
