// The rows of an open conversation, from its timeline and the outbox: days, the line above what is new, messages. Pure.

const CLOSE = 5 * 60 * 1000; // messages of one person within this time stand together

function dayOf(time) {
  const date = new Date(time);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** `waiting` are outbox entries; `newAfter` is the last message read when the conversation was opened (-1: no line). */
export function rowsOf(conversation, waiting, me, newAfter) {
  const rows = [];
  const { timeline } = conversation;
  const group = !conversation.peerId;
  let previous = null;
  let day = "";
  let lined = newAfter < 0;

  const add = (message, status) => {
    const mine = message.senderId === me.userId;
    if (dayOf(message.time) !== day) {
      day = dayOf(message.time);
      rows.push({ type: "day", key: `d${day}-${message.seq || "x"}`, time: message.time });
      previous = null;
    }
    if (!lined && !mine && message.seq > newAfter) {
      lined = true;
      rows.push({ type: "new", key: "new" });
      previous = null;
    }
    const follows = previous?.senderId === message.senderId && message.time - previous.time < CLOSE;
    const key = mine && message.requestId ? `r${message.requestId}` : `m${message.id}`; // not the number: after a restore it may be another message's
    rows.push({ type: "message", key, message, mine, status, follows, named: group && !mine });
    previous = message;
  };

  for (const message of timeline.items) {
    const mine = message.senderId === me.userId;
    add(message, mine ? (message.seq <= conversation.peerReadSeq ? "read" : "sent") : "received");
  }
  if (timeline.attached) {
    for (const entry of waiting) {
      add({ ...entry, seq: 0, id: "", senderId: me.userId, senderName: me.nickname, fileId: "", fileSize: entry.bytes?.length ?? 0 }, entry.state);
    }
  }
  return rows;
}
