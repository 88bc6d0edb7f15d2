// The application without its looks: one signed-in person's connection, state and actions. Views call it and listen to its
// state; it is the only place where api, socket, outbox and state meet.
import { Api, SessionOver, readConfig } from "./api.js";
import { Backoff } from "./backoff.js";
import { Files } from "./files.js";
import { History } from "./history.js";
import { fromInfo } from "./message.js";
import { Outbox } from "./outbox.js";
import { NotifyType } from "./schema.js";
import { Sender } from "./sender.js";
import { ChatSocket } from "./socket.js";
import { State } from "./state.js";
import { Synchroniser } from "./synchroniser.js";

const POLL_EVERY = 4000; // while the socket is away
const LIST_PAGE = 200;

export class Client extends EventTarget {
  constructor() {
    super();
    this.api = new Api();
    this.api.onSessionOver = () => this.#over("expired");
    this.state = new State();
    this.outbox = new Outbox();
    this.files = new Files(this.api);
    this.socket = new ChatSocket((attempt) => this.#address(attempt));
    this.sender = new Sender({
      outbox: this.outbox,
      api: this.api,
      socket: this.socket,
      onAck: (entry, ack) => this.#acknowledged(entry, ack),
      onAccepted: () => this.sync().catch(() => {}),
      onChange: (id) => this.state.emit("timeline", id),
    });
    this.synchroniser = new Synchroniser(this);
    this.history = new History(this);
    this.poll = null;
    this.marking = new Map(); // conversation id -> sequence number being marked
    this.socket.addEventListener("state", () => this.#connectionChanged());
    this.socket.addEventListener("welcome", ({ detail }) => this.#welcome(detail));
    this.socket.addEventListener("frame", ({ detail }) => this.#frame(detail));
    this.socket.addEventListener("rejected", () => this.#over("expired"));
    addEventListener("online", () => this.socket.hurry());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.socket.hurry();
    });
  }

  get running() {
    return this.api.sessionId !== "";
  }

  // --- the session

  /** Signs in with a session and loads everything; waits while the server is away. Resolves when the lists are there. */
  async start(sessionId) {
    this.api.sessionId = sessionId;
    const backoff = new Backoff();
    for (let done = false; !done && this.api.sessionId === sessionId; ) {
      try {
        this.state.me = (await this.api.call("GetUserInfo")).userInfo;
        this.state.learn([this.state.me]);
        await this.outbox.load(this.state.me.userId);
        await Promise.all([this.loadConversations(), this.loadFriends(), this.loadApplications()]);
        done = true;
      } catch (error) {
        if (error instanceof SessionOver) return;
        this.dispatchEvent(new CustomEvent("unreachable"));
        await new Promise((resolve) => setTimeout(resolve, backoff.next()));
      }
    }
    if (this.api.sessionId !== sessionId) return;
    this.state.emit("me");
    this.socket.start(sessionId);
  }

  /** Ends here; the session itself stays valid unless `logout` was called. */
  stop() {
    this.api.sessionId = "";
    this.socket.stop();
    this.sender.stop();
    this.#stopLooking();
    this.synchroniser.stop();
    this.files.close();
  }

  async logout(everywhere) {
    await this.api.call("Logout", { everywhere });
    this.#over("");
  }

  #over(reason) {
    if (!this.running) return;
    this.stop();
    this.dispatchEvent(new CustomEvent("over", { detail: reason }));
  }

  /** Behind a proxy with TLS the WebSocket may be on a port of its own or at /ws of the page's: tried in turn. */
  async #address(attempt) {
    const { websocketPort } = await readConfig();
    if (location.protocol !== "https:") return `ws://${location.hostname}:${websocketPort}/`;
    return attempt % 2 ? `wss://${location.hostname}:${websocketPort}/` : `wss://${location.host}/ws`;
  }

  // --- what comes in

  #connectionChanged() {
    if (this.socket.state === "off") return;
    if (this.socket.ready) this.#stopLooking();
    else this.poll ??= setInterval(() => this.#look(), POLL_EVERY * (0.75 + Math.random() / 2));
    this.state.emit("connection");
    this.sender.pump();
  }

  /** Without a socket: what is new over HTTP; and if there is an answer, the socket may work again as well. */
  async #look() {
    try {
      await this.sync();
      this.socket.hurry();
    } catch {
      // The server is away altogether.
    }
  }

  #stopLooking() {
    clearInterval(this.poll);
    this.poll = null;
  }

  #welcome({ epoch }) {
    this.synchroniser.inEpoch(epoch);
    this.sender.resume();
    this.synchroniser.catchUp();
  }

  /** The lists, after something that changes several of them. */
  async refresh() {
    await Promise.allSettled([this.loadConversations(), this.loadFriends(), this.loadApplications()]);
  }

  #frame(frame) {
    const { state } = this;
    if (frame.event) this.#event(frame.event);
    else if (frame.read) state.applyRead(frame.read.chatSessionId, frame.read.userId, frame.read.readSeq);
    else if (frame.transcript) state.transcribe(frame.transcript.chatSessionId, frame.transcript.seq, frame.transcript.transcript);
    else if (frame.conversation) this.#conversationChanged(frame.conversation);
    else if (frame.profile) {
      if (frame.profile.userId === state.me?.userId) this.loadMe().catch(() => {});
      this.#soon("friends", () => Promise.all([this.loadFriends(), this.loadConversations(), this.#loadOpenMembers()]));
    }
  }

  #event({ notify, seq, requestId }) {
    if (!notify) return;
    if (notify.newMessageInfo?.messageInfo) {
      this.#deliver(fromInfo(notify.newMessageInfo.messageInfo, seq, requestId));
      return;
    }
    const about = notify.friendAddApply?.userInfo ?? notify.friendProcessResult?.userInfo;
    if (notify.notifyType === NotifyType.FRIEND_ADD_APPLY_NOTIFY) this.#soon("applications", () => this.loadApplications());
    else if (notify.notifyType === NotifyType.CHAT_SESSION_CREATE_NOTIFY) this.#soon("conversations", () => this.loadConversations());
    else this.#soon("friends", () => Promise.all([this.loadFriends(), this.loadConversations()]));
    if (about) this.dispatchEvent(new CustomEvent("notice", { detail: { notify, name: about.nickname } }));
  }

  #deliver(message) {
    if (message.bytes && message.fileId) {
      this.files.put(message.fileId, message.bytes); // the timeline keeps no contents
      message.bytes = null;
    }
    if (message.requestId && message.senderId === this.state.me.userId) this.outbox.remove(message.requestId);
    const outcome = this.state.receive(message);
    if (outcome === "unknown") this.#soon("conversations", () => this.loadConversations());
    else if (outcome === "gap") this.sync().catch(() => {});
    if (outcome === "ok" && this.state.openId === message.conversationId) this.history.trim(message.conversationId);
  }

  #conversationChanged(change) {
    const { state } = this;
    if (change.gone) {
      const name = state.conversation(change.chatSessionId)?.name ?? change.chatSessionName;
      state.remove(change.chatSessionId);
      this.dispatchEvent(new CustomEvent("gone", { detail: { id: change.chatSessionId, name } }));
      return;
    }
    state.rename(change.chatSessionId, change.chatSessionName);
    this.#soon("conversations", () => this.loadConversations());
    if (state.members.has(change.chatSessionId)) this.loadMembers(change.chatSessionId).catch(() => {});
  }

  #acknowledged(entry, ack) {
    this.outbox.remove(entry.requestId);
    const me = this.state.me;
    this.#deliver({
      seq: ack.seq, id: ack.messageId, conversationId: entry.conversationId, requestId: entry.requestId, transcript: "",
      time: ack.timestamp * 1000, senderId: me.userId, senderName: me.nickname, kind: entry.kind, text: entry.text,
      fileId: ack.fileId, fileName: entry.fileName, fileSize: entry.bytes?.length ?? 0, bytes: entry.bytes,
    });
  }

  /** Runs a reload once for many events that ask for it. */
  #soon(name, action) {
    this.soon ??= new Map();
    clearTimeout(this.soon.get(name));
    this.soon.set(name, setTimeout(() => action().catch(() => {}), 60));
  }

  /** Asks what happened since the newest messages known here. */
  sync() {
    return this.synchroniser.sync();
  }

  // --- lists

  async loadConversations() {
    const list = [];
    for (let pageToken = "", more = true; more; more = pageToken !== "") {
      const page = await this.api.call("GetConversations", { limit: LIST_PAGE, pageToken });
      list.push(...page.conversation.filter((each) => each.info));
      pageToken = page.nextPageToken;
    }
    this.state.setConversations(list);
    this.#forgetOrphans();
  }

  /** What was refused for a conversation that is gone can be shown nowhere. */
  #forgetOrphans() {
    for (const { requestId, conversationId, state } of [...this.outbox.entries]) {
      if (state === "refused" && !this.state.conversation(conversationId)) this.outbox.remove(requestId);
    }
  }

  async loadMe() {
    this.state.me = (await this.api.call("GetUserInfo")).userInfo;
    this.state.learn([this.state.me]);
    this.state.emit("me");
  }

  async loadFriends() {
    this.state.friends = (await this.api.call("GetFriendList")).friendList;
    this.state.learn(this.state.friends);
    this.state.emit("people");
  }

  async loadApplications() {
    this.state.applications = (await this.api.call("GetPendingFriendEventList")).event.filter((each) => each.sender);
    this.state.emit("people");
  }

  async loadMembers(id) {
    const { memberInfoList } = await this.api.call("GetChatSessionMember", { chatSessionId: id });
    this.state.members.set(id, memberInfoList);
    this.state.learn(memberInfoList);
    this.state.emit("members", id);
    return memberInfoList;
  }

  async #loadOpenMembers() {
    if (this.state.members.has(this.state.openId)) await this.loadMembers(this.state.openId);
  }

  // --- one conversation

  /** Puts something in the outbox: {kind, text} or {kind, bytes, fileName}. It is safe once this resolves. */
  async post(conversationId, fields) {
    const adding = this.outbox.add({ conversationId, ...fields });
    this.state.emit("timeline", conversationId);
    const entry = await adding;
    this.sender.pump();
    return entry;
  }

  async retry(requestId) {
    const entry = this.outbox.get(requestId);
    if (entry) await this.outbox.retry(entry);
    this.state.emit("timeline", entry?.conversationId);
    this.sender.pump();
  }

  discard(requestId) {
    const entry = this.outbox.get(requestId);
    if (entry?.state === "refused") this.outbox.remove(requestId);
    this.state.emit("timeline", entry?.conversationId);
  }

  /** Tells the server, and so the other devices, what has been seen. */
  async markRead(id) {
    const conversation = this.state.conversation(id);
    if (!conversation) return;
    const seq = conversation.lastSeq;
    if (seq <= conversation.readSeq && conversation.unread === 0) return;
    if ((this.marking.get(id) ?? 0) >= seq) return;
    this.marking.set(id, seq);
    try {
      const fields = { chatSessionId: id, seq };
      const answer = this.socket.ready ? await this.socket.request("markRead", fields) : await this.api.call("MarkRead", fields);
      if (answer.success) this.state.applyRead(id, this.state.me.userId, answer.readSeq, answer.unread);
    } catch {
      // Marked again when the conversation is next looked at.
    } finally {
      this.marking.delete(id);
    }
  }
}
