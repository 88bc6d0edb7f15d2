// A message as the client holds it, made from what the protocol carries.
import { MessageType } from "./schema.js";

export const KIND = Object.freeze({
  [MessageType.STRING]: "text",
  [MessageType.IMAGE]: "image",
  [MessageType.FILE]: "file",
  [MessageType.SPEECH]: "voice",
});

/** From a MessageInfo and what stands beside it: sequence number, request id of the send, transcript. */
export function fromInfo(info, seq, requestId = "", transcript = "") {
  const content = info.message ?? { messageType: MessageType.STRING };
  const message = {
    seq,
    id: info.messageId,
    conversationId: info.chatSessionId,
    requestId,
    transcript,
    time: info.timestamp * 1000,
    senderId: info.sender?.userId ?? "",
    senderName: info.sender?.nickname ?? "",
    kind: KIND[content.messageType] ?? "text",
    text: content.stringMessage?.content ?? "",
    fileId: "",
    fileName: "",
    fileSize: 0,
    bytes: null,
  };
  const file = content.imageMessage ?? content.fileMessage ?? content.speechMessage;
  if (file) {
    const bytes = file.imageContent ?? file.fileContents;
    message.fileId = file.fileId;
    message.fileName = file.fileName ?? "";
    message.fileSize = file.fileSize ?? bytes.length;
    message.bytes = bytes.length ? bytes : null;
  }
  return message;
}

export function fromSequenced(each) {
  return fromInfo(each.info, each.seq, each.requestId, each.transcript);
}

/** The MessageContent of something that waits in the outbox. */
export function contentOf({ kind, text, bytes, fileName }) {
  if (kind === "image") return { messageType: MessageType.IMAGE, imageMessage: { imageContent: bytes } };
  if (kind === "voice") return { messageType: MessageType.SPEECH, speechMessage: { fileContents: bytes } };
  if (kind === "file") {
    return { messageType: MessageType.FILE, fileMessage: { fileName, fileSize: bytes.length, fileContents: bytes } };
  }
  return { messageType: MessageType.STRING, stringMessage: { content: text } };
}

/** A line for lists: {kind, text}; the view words what is not text. */
export function preview(message) {
  if (message.kind === "voice") return { kind: "voice", text: message.transcript };
  return { kind: message.kind, text: message.kind === "file" ? message.fileName : message.text };
}
