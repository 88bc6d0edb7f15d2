// What one conversation shows: a run of messages without a gap, ordered by sequence number. Pure state, no input or output.
//
// Invariant: items[i].seq + 1 === items[i + 1].seq. `end` is the newest sequence number the run reaches (also when it is
// empty). While `attached`, the end of the run is the newest message and live messages join it; after a jump to an old
// message it is not, and live messages only wait for the way back.

export class Timeline {
  constructor() {
    this.clear();
  }

  clear() {
    this.items = [];
    this.loaded = false;
    this.attached = true;
    this.more = false; // there are older ones on the server
    this.end = 0;
    this.beyond = new Map(); // live messages after a gap, by sequence number
  }

  get first() {
    return this.items.length ? this.items[0].seq : this.end + 1;
  }

  /** Replaces the run by a page of the history. `end` is the newest sequence number when the page is empty. */
  reset(messages, { more, attached, end = 0 }) {
    this.items = inOrder(messages);
    this.loaded = true;
    this.attached = attached;
    this.more = more;
    this.end = this.items.length ? this.items[this.items.length - 1].seq : end;
    if (attached) this.#drain();
    else this.beyond.clear();
  }

  /** A live message. Returns "added", "known" (a repetition), "gap" (ask the server what is missing) or "away". */
  insert(message) {
    if (!this.loaded || !this.attached) return "away";
    if (message.seq <= this.end) {
      this.#refresh(message);
      return "known";
    }
    this.beyond.set(message.seq, message);
    this.#drain();
    return message.seq <= this.end ? "added" : "gap";
  }

  /** What a synchronisation brought. Messages that do not begin right after the run take its place. */
  join(messages, contiguous) {
    if (!this.loaded || !this.attached) return;
    const fresh = inOrder(messages).filter((each) => each.seq > this.end);
    if (!fresh.length) return;
    if (contiguous && fresh[0].seq === this.end + 1) for (const each of fresh) this.insert(each);
    else if (fresh[0].seq > this.end + 1) this.reset(fresh, { more: true, attached: true });
    else for (const each of fresh) this.insert(each);
  }

  /** Older messages, found with a page before `first`. */
  prepend(messages, more) {
    const older = inOrder(messages).filter((each) => each.seq < this.first);
    this.more = more;
    if (!older.length || older[older.length - 1].seq !== this.first - 1) return;
    this.items = older.concat(this.items);
  }

  /** Newer messages, for a run that is not attached. `newest` is the conversation's last sequence number. */
  append(messages, newest) {
    for (const each of inOrder(messages)) {
      if (each.seq !== this.end + 1) continue;
      this.items.push(each);
      this.end = each.seq;
    }
    if (this.end >= newest) {
      this.attached = true;
      this.#drain();
    }
  }

  /** Forgets messages far from what is being read, so that a long conversation stays light. */
  trim(keep, side) {
    if (this.items.length <= keep) return false;
    if (side === "old") {
      this.items = this.items.slice(-keep);
      this.more = true;
    } else {
      this.items = this.items.slice(0, keep);
      this.end = this.items[keep - 1].seq;
      this.attached = false;
      this.beyond.clear();
    }
    return true;
  }

  find(seq) {
    const at = this.items.length ? seq - this.items[0].seq : -1;
    return at >= 0 && at < this.items.length ? this.items[at] : null;
  }

  #refresh(message) {
    const known = this.find(message.seq);
    if (known && message.transcript) known.transcript = message.transcript;
  }

  #drain() {
    for (const seq of this.beyond.keys()) if (seq <= this.end) this.beyond.delete(seq);
    for (let next = this.beyond.get(this.end + 1); next; next = this.beyond.get(this.end + 1)) {
      this.items.push(next);
      this.end = next.seq;
      this.beyond.delete(next.seq);
    }
  }
}

/** Sorted by sequence number, each once, and only the newest run that has no gap in it. */
function inOrder(messages) {
  const bySeq = new Map(messages.filter((each) => each.seq > 0).map((each) => [each.seq, each]));
  const sorted = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
  let start = sorted.length - 1;
  while (start > 0 && sorted[start - 1].seq === sorted[start].seq - 1) start -= 1;
  return start > 0 ? sorted.slice(start) : sorted;
}
