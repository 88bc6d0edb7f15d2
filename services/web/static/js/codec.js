// The protobuf wire format, driven by the tables of schema.js: encode(name, object) and decode(name, bytes).
// Follows https://protobuf.dev/programming-guides/encoding/. Absent scalars decode to their default, absent messages to
// null, repeated fields to arrays; 64-bit numbers are JavaScript numbers (exact up to 2^53). Bad bytes throw DecodeError.
import { MESSAGES } from "./schema.js";

export class DecodeError extends Error {}

const MAX_DEPTH = 32;
const TWO_32 = 4294967296;
const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const EMPTY = new Uint8Array(0);
const SCALARS = new Set(["string", "bytes", "bool", "int32", "uint32", "int64", "uint64"]);

const indexes = new Map();

function indexOf(name) {
  let index = indexes.get(name);
  if (!index) {
    if (!Object.hasOwn(MESSAGES, name)) throw new Error(`schema.js has no message ${name}`);
    index = new Map(MESSAGES[name].map((row) => [row[0], row]));
    indexes.set(name, index);
  }
  return index;
}

function defaultOf(type, flag) {
  if (flag === "*") return [];
  if (type === "string") return "";
  if (type === "bytes") return EMPTY;
  if (type === "bool") return false;
  return SCALARS.has(type) ? 0 : null;
}

export function empty(name) {
  const message = {};
  for (const [, key, type, flag] of MESSAGES[name]) message[key] = defaultOf(type, flag);
  return message;
}

// --- encoding

function writeVarint(out, value) {
  // A negative number is written as its two's complement in 64 bits, ten bytes long.
  let low = value < 0 ? ((value % TWO_32) + TWO_32) % TWO_32 : value % TWO_32;
  let high = Math.floor(value / TWO_32);
  if (value < 0) high = (high + TWO_32) % TWO_32;
  while (high > 0 || low > 127) {
    out.push((low & 0x7f) | 0x80);
    low = Math.floor(low / 128) + (high % 128) * 33554432;
    high = Math.floor(high / 128);
  }
  out.push(low);
}

function encodeInto(chunks, name, message) {
  let size = 0;
  const put = (bytes) => {
    chunks.push(bytes);
    size += bytes.length;
  };
  const putPrefixed = (number, parts, length) => {
    const head = [];
    writeVarint(head, number * 8 + 2);
    writeVarint(head, length);
    put(Uint8Array.from(head));
    for (const part of parts) put(part);
  };
  for (const [number, key, type, flag] of MESSAGES[name]) {
    const value = message[key];
    if (value === undefined || value === null) continue;
    for (const each of flag === "*" ? value : [value]) {
      if (!SCALARS.has(type)) {
        const inner = [];
        putPrefixed(number, inner, encodeInto(inner, type, each));
      } else if (type === "string" || type === "bytes") {
        const bytes = type === "string" ? utf8Encoder.encode(each) : each;
        if (bytes.length > 0 || flag === "*") putPrefixed(number, [bytes], bytes.length);
      } else if (each) {
        const head = [];
        writeVarint(head, number * 8);
        writeVarint(head, Number(each));
        put(Uint8Array.from(head));
      }
    }
  }
  return size;
}

export function encode(name, message) {
  const chunks = [];
  const bytes = new Uint8Array(encodeInto(chunks, name, message));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

// --- decoding

class Reader {
  constructor(bytes, end) {
    this.bytes = bytes;
    this.at = 0;
    this.end = end;
    this.high = 0;
  }

  /** The low 32 bits, unsigned; the high ones are left in `high`. */
  varint() {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.end) throw new DecodeError("the bytes end inside a number");
      const byte = this.bytes[this.at++];
      const bits = byte & 0x7f;
      if (shift < 28) low += bits * 2 ** shift;
      else if (shift === 28) {
        low += (bits & 0x0f) * 2 ** 28;
        high = bits >> 4;
      } else if (shift < 63) high += bits * 2 ** (shift - 32);
      else high += (bits & 1) * 2 ** 31;
      if (byte < 0x80) {
        this.high = high % TWO_32;
        return low;
      }
    }
    throw new DecodeError("a number is longer than ten bytes");
  }

  /** The end of a length-delimited field that begins here. */
  length() {
    const length = this.varint();
    if (this.high !== 0 || length > this.end - this.at) throw new DecodeError("the bytes end inside a field");
    return this.at + length;
  }

  skip(wire) {
    if (wire === 0) this.varint();
    else if (wire === 1) this.at += 8;
    else if (wire === 2) this.at = this.length();
    else if (wire === 5) this.at += 4;
    else throw new DecodeError(`wire type ${wire} is not supported`);
    if (this.at > this.end) throw new DecodeError("the bytes end inside a field");
  }

  scalar(type) {
    if (type === "string" || type === "bytes") {
      const end = this.length();
      const part = this.bytes.subarray(this.at, end);
      this.at = end;
      return type === "string" ? utf8Decoder.decode(part) : part;
    }
    const low = this.varint();
    if (type === "bool") return low !== 0 || this.high !== 0;
    if (type === "int32") return low | 0;
    if (type === "uint32") return low;
    if (type === "int64" && this.high >= 2147483648) return (this.high - TWO_32) * TWO_32 + low;
    return this.high * TWO_32 + low;
  }
}

function decodeInto(message, name, reader, depth) {
  if (depth > MAX_DEPTH) throw new DecodeError("messages are nested too deeply");
  const index = indexOf(name);
  while (reader.at < reader.end) {
    const tag = reader.varint();
    const number = reader.high * 536870912 + Math.floor(tag / 8);
    const wire = tag & 7;
    if (number === 0) throw new DecodeError("field number 0");
    const row = index.get(number);
    const scalar = row && SCALARS.has(row[2]);
    const expected = row && (!scalar || row[2] === "string" || row[2] === "bytes") ? 2 : 0;
    if (!row || wire !== expected) {
      reader.skip(wire); // of a newer protocol, or not what we know it as: as every protobuf reader does
      continue;
    }
    const [, key, type, flag] = row;
    let value;
    if (scalar) value = reader.scalar(type);
    else {
      const outer = reader.end;
      reader.end = reader.length();
      value = (flag !== "*" && message[key]) || empty(type);
      decodeInto(value, type, reader, depth + 1);
      reader.end = outer;
    }
    if (flag === "*") message[key].push(value);
    else {
      if (flag) for (const [, other, otherType, group] of MESSAGES[name]) if (group === flag) message[other] = defaultOf(otherType);
      message[key] = value;
    }
  }
  return message;
}

export function decode(name, bytes) {
  return decodeInto(empty(name), name, new Reader(bytes, bytes.length), 0);
}
