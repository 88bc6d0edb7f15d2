// The contents of files, fetched when they are looked at and kept while there is room.

const ROOM = 64 * 1024 * 1024;

export class Files {
  constructor(api) {
    this.api = api;
    this.kept = new Map(); // file id -> bytes, the least recently used first
    this.coming = new Map();
    this.size = 0;
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
}
