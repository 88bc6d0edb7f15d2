// What the client knows: conversations, their timelines, people. Fed by answers and events, read by the views; does no input
// or output. Emits "conversations", "timeline" (detail: conversation id), "people", "me", "connection".
import { fromInfo, fromSequenced, preview } from "./message.js";
import { Timeline } from "./timeline.js";

export class State extends EventTarget {
  constructor() {
    super();
    this.me = null;
    this.epoch = "";
    this.conversations = new Map();
    this.friends = [];
    this.applications = [];
    this.members = new Map(); // conversation id -> people in it
    this.names = new Map(); // user id -> nickname, as last seen
    this.avatars = new Map(); // user id -> picture
    this.openId = null;
  }

  emit(topic, detail) {
    this.dispatchEvent(new CustomEvent(topic, { detail }));
  }

  conversation(id) {
    return this.conversations.get(id) ?? null;
  }

  /** The one whose latest message is newest comes first. */
  sorted() {
    return [...this.conversations.values()].sort((a, b) => (b.lastTime || b.madeAt) - (a.lastTime || a.madeAt) || (a.id < b.id ? -1 : 1));
  }

  unreadTotal() {
    let total = 0;
    for (const each of this.conversations.values()) total += each.unread;
    return total;
  }

  /** The complete list, as GetConversations gave it: what is not in it is gone. */
  setConversations(list) {
    const listed = new Set(list.map((each) => each.info.chatSessionId));
    for (const id of [...this.conversations.keys()]) if (!listed.has(id)) this.conversations.delete(id);
    for (const each of list) {
      const info = each.info;
      const known = this.#ensure(info.chatSessionId);
      known.peerId = info.singleChatFriendId;
      known.name = info.chatSessionName;
      known.ownerId = each.ownerId;
      known.memberCount = each.memberCount;
      if (known.peerId) this.learn([{ userId: known.peerId, nickname: known.name, avatar: info.avatar }]);
      // An event may have been faster than this answer.
      if (each.lastSeq >= known.lastSeq) {
        known.lastSeq = each.lastSeq;
        known.unread = each.readSeq >= known.readSeq ? each.unread : known.unread;
        if (info.prevMessage) this.#setPreview(known, fromInfo(info.prevMessage, each.prevMessageSeq, "", each.prevMessageTranscript));
      }
      known.readSeq = Math.max(known.readSeq, each.readSeq);
    }
    this.emit("conversations");
  }

  remove(id) {
    if (!this.conversations.delete(id)) return;
    this.members.delete(id);
    this.emit("conversations");
    this.emit("timeline", id);
  }

  rename(id, name) {
    const known = this.conversation(id);
    if (!known || !name) return;
    known.name = name;
    this.emit("conversations");
  }

  /** A live message. Returns "unknown" (a conversation to be fetched), "gap" (to be synchronised) or "ok". */
  receive(message) {
    const known = this.conversation(message.conversationId);
    if (message.senderName) this.names.set(message.senderId, message.senderName);
    if (!known) return "unknown";
    const step = message.seq - known.lastSeq;
    if (step > 0) {
      known.lastSeq = message.seq;
      this.#setPreview(known, message);
      if (message.senderId === this.me?.userId) this.#read(known, message.seq);
      else known.unread += step;
    }
    const outcome = known.timeline.insert(message);
    this.emit("timeline", known.id);
    this.emit("conversations");
    return outcome === "gap" ? "gap" : "ok";
  }

  /** One conversation's part of a synchronisation. Returns false when the conversation is not known yet. */
  applyDelta(delta) {
    const known = this.conversation(delta.chatSessionId);
    if (!known) return false;
    const messages = delta.message.map(fromSequenced);
    known.timeline.join(messages, delta.contiguous);
    const newest = messages[messages.length - 1];
    if (newest && newest.seq >= known.previewSeq) this.#setPreview(known, newest);
    known.lastSeq = Math.max(known.lastSeq, delta.lastSeq);
    known.readSeq = Math.max(known.readSeq, delta.readSeq);
    known.unread = known.readSeq >= known.lastSeq ? 0 : delta.unread;
    this.emit("timeline", known.id);
    this.emit("conversations");
    return true;
  }

  /** Where a synchronisation begins, for each conversation. */
  cursors() {
    return [...this.conversations.values()].map(({ id, timeline, lastSeq }) => ({
      chatSessionId: id,
      seq: timeline.loaded && timeline.attached ? timeline.end : lastSeq,
    }));
  }

  /** Somebody has read up to a message: I, on another device, or the other person. */
  applyRead(conversationId, userId, seq, unread = null) {
    const known = this.conversation(conversationId);
    if (!known) return;
    if (userId !== this.me?.userId) {
      if (userId !== known.peerId) return; // in a group, "read" would have to say by whom
      known.peerReadSeq = Math.max(known.peerReadSeq, seq);
      this.emit("timeline", conversationId);
      return;
    }
    this.#read(known, seq);
    if (unread !== null && seq >= known.readSeq) known.unread = seq >= known.lastSeq ? 0 : unread;
    this.emit("conversations");
  }

  transcribe(conversationId, seq, transcript) {
    const known = this.conversation(conversationId);
    const message = known?.timeline.find(seq);
    if (message) message.transcript = transcript;
    if (known?.previewSeq === seq) known.preview = { kind: "voice", text: transcript };
    this.emit("timeline", conversationId);
    this.emit("conversations");
  }

  /** The history was restored to an older state: no sequence number means anything any more. */
  forgetHistory() {
    for (const each of this.conversations.values()) {
      each.timeline.clear();
      Object.assign(each, { lastSeq: 0, readSeq: 0, unread: 0, peerReadSeq: 0, previewSeq: 0, preview: null, lastTime: 0 });
    }
  }

  learn(people) {
    for (const each of people) {
      if (each?.nickname) this.names.set(each.userId, each.nickname);
      if (each?.avatar?.length) this.avatars.set(each.userId, each.avatar);
    }
  }

  nameOf(userId, fallback = "") {
    return this.names.get(userId) || fallback;
  }

  #ensure(id) {
    let known = this.conversations.get(id);
    if (!known) {
      known = {
        id, peerId: "", name: "", ownerId: "", memberCount: 0, lastSeq: 0, readSeq: 0, unread: 0,
        peerReadSeq: 0, preview: null, previewSeq: 0, previewSender: "", lastTime: 0, madeAt: Date.now(),
        timeline: new Timeline(),
      };
      this.conversations.set(id, known);
    }
    return known;
  }

  #read(known, seq) {
    if (seq <= known.readSeq) return;
    known.readSeq = seq;
    known.unread = seq >= known.lastSeq ? 0 : Math.min(known.unread, known.lastSeq - seq);
  }

  #setPreview(known, message) {
    known.preview = preview(message);
    known.previewSeq = message.seq;
    known.previewSender = message.senderId;
    known.lastTime = message.time;
    if (message.senderId === known.peerId) known.peerReadSeq = Math.max(known.peerReadSeq, message.seq);
  }
}
