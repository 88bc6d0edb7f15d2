// Pages of a conversation's history, fetched as somebody scrolls, and forgotten again so that a long one stays light.
import { fromSequenced } from "./message.js";

const PAGE = 60;
const KEEP = 400; // messages of one conversation held at a time

export class History {
  /** `client` gives api, state, outbox and sync. */
  constructor(client) {
    this.client = client;
  }

  async #page(id, fields) {
    const answer = await this.client.api.call("GetPage", { chatSessionId: id, limit: PAGE, ...fields });
    return { messages: answer.message.map(fromSequenced), more: answer.more };
  }

  /** Loads the newest messages, or those around one. */
  async open(id, aroundSeq = 0) {
    const { state, outbox } = this.client;
    const conversation = state.conversation(id);
    if (!conversation) return;
    const { messages, more } = await this.#page(id, aroundSeq ? { aroundSeq } : {});
    const newest = messages.length ? messages[messages.length - 1].seq : 0;
    const attached = !aroundSeq || newest >= conversation.lastSeq;
    conversation.timeline.reset(messages, { more, attached, end: conversation.lastSeq });
    for (const { requestId } of messages) if (requestId) outbox.remove(requestId);
    state.emit("timeline", id);
    if (attached && newest && newest < conversation.lastSeq) this.client.sync().catch(() => {});
  }

  async older(id) {
    const { state } = this.client;
    const timeline = state.conversation(id)?.timeline;
    if (!timeline?.loaded || !timeline.more) return;
    const { messages, more } = await this.#page(id, { beforeSeq: timeline.first });
    timeline.prepend(messages, more);
    timeline.trim(KEEP, "new");
    state.emit("timeline", id);
  }

  async newer(id) {
    const { state } = this.client;
    const conversation = state.conversation(id);
    const timeline = conversation?.timeline;
    if (!timeline?.loaded || timeline.attached) return;
    const { messages } = await this.#page(id, { beforeSeq: timeline.end + PAGE + 1 });
    timeline.append(messages, conversation.lastSeq);
    timeline.trim(KEEP, "old");
    state.emit("timeline", id);
  }

  /** After many live messages. */
  trim(id) {
    const { state } = this.client;
    const timeline = state.conversation(id)?.timeline;
    if (timeline && timeline.items.length > KEEP * 1.5 && timeline.trim(KEEP, "old")) state.emit("timeline", id);
  }
}
