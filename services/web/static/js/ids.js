// Identifiers made here. crypto.randomUUID is missing on pages that were not served over TLS.

export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
