// The contents of files, fetched when they are looked at and kept while there is room.

import { pictureUrl } from "./media.js";

const ROOM = 64 * 1024 * 1024;
const MOST_URLS = 200;

export class Files {
  constructor(api) {
    this.api = api;
    this.kept = new Map(); // file id -> bytes, the least recently used first
    this.coming = new Map();
    this.size = 0;
    this.urls = new Map(); // of pictures: file id or request id -> blob URL
  }

  /** Takes what came with a message, so that it need not be fetched. */
  put(fileId, bytes) {
    if (!fileId || this.kept.has(fileId)) return;
    this.kept.set(fileId, bytes);
    this.size += bytes.length;
    for (const [id, old] of this.kept) {
      if (this.size <= ROOM || id === fileId) break;
      this.kept.delete(id);
      this.size -= old.length;
    }
  }

  /** The bytes of a message's file. Raises what Api.call raises. */
  async of(message) {
    if (message.bytes) return message.bytes;
    const { fileId } = message;
    const known = this.kept.get(fileId);
    if (known) {
      this.kept.delete(fileId);
      this.kept.set(fileId, known);
      return known;
    }
    if (!this.coming.has(fileId)) {
      const fetching = this.api
        .call("GetSingleFile", { fileId })
        .then((answer) => {
          const bytes = answer.fileData?.fileContent ?? new Uint8Array(0);
          this.put(fileId, bytes);
          return bytes;
        })
        .finally(() => this.coming.delete(fileId));
      this.coming.set(fileId, fetching);
    }
    return this.coming.get(fileId);
  }

  /** A URL for <img>, "" when the bytes are no picture. To be asked for anew whenever it is used: old ones are given up. */
  async pictureUrl(message) {
    const key = message.fileId || message.requestId;
    let url = this.urls.get(key);
    if (url === undefined) url = pictureUrl(await this.of(message));
    this.urls.delete(key);
    this.urls.set(key, url);
    if (this.urls.size > MOST_URLS) {
      const [oldest, given] = this.urls.entries().next().value;
      this.urls.delete(oldest);
      URL.revokeObjectURL(given); // pictures on the page stay: they are decoded
    }
    return url;
  }

  close() {
    for (const url of this.urls.values()) URL.revokeObjectURL(url);
    this.urls.clear();
    this.kept.clear();
  }
}
