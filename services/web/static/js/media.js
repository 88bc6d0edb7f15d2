// Pictures, sound and files: conversions between what browsers give and what the protocol carries.

export const VOICE_RATE = 16000;
export const MAX_FILE = 50 * 1024 * 1024;
const MAX_PICTURE = 5 * 1024 * 1024;
const PICTURE_EDGE = 2560;
const AVATAR_EDGE = 256;

const SIGNATURES = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
  ["image/bmp", [0x42, 0x4d]],
];

/** The type of a picture by its first bytes, or "" if it is none that may be shown. The sender's word does not count. */
export function pictureType(bytes) {
  for (const [type, signature] of SIGNATURES) if (signature.every((byte, at) => bytes[at] === byte)) return type;
  const ascii = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
  if (ascii(0, 4) === "RIFF" && ascii(8, 12) === "WEBP") return "image/webp";
  if (ascii(4, 8) === "ftyp" && /^avi[fs]$/.test(ascii(8, 12))) return "image/avif";
  return "";
}

export function pictureUrl(bytes) {
  const type = pictureType(bytes);
  return type ? URL.createObjectURL(new Blob([bytes], { type })) : "";
}

async function redraw(blob, place, type) {
  const bitmap = await createImageBitmap(blob);
  const { width, height, source } = place(bitmap.width, bitmap.height);
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").drawImage(bitmap, ...source, 0, 0, width, height);
  bitmap.close();
  const made = await new Promise((resolve) => canvas.toBlob(resolve, type, 0.88));
  return new Uint8Array(await made.arrayBuffer());
}

/** The bytes to send of a chosen picture; a huge one is made smaller. Throws when it is no picture. */
export async function preparePicture(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const type = pictureType(bytes);
  if (!type) throw new Error("not a picture");
  if (bytes.length <= MAX_PICTURE) return bytes;
  return redraw(new Blob([bytes], { type }), (width, height) => {
    const scale = Math.min(1, PICTURE_EDGE / Math.max(width, height));
    return { width: Math.round(width * scale), height: Math.round(height * scale), source: [0, 0, width, height] };
  }, "image/jpeg");
}

/** A small square of the middle of a picture. Throws when it is no picture. */
export async function prepareAvatar(file) {
  if (!pictureType(new Uint8Array(await file.slice(0, 32).arrayBuffer()))) throw new Error("not a picture");
  return redraw(file, (width, height) => {
    const edge = Math.min(width, height);
    return { width: AVATAR_EDGE, height: AVATAR_EDGE, source: [(width - edge) / 2, (height - edge) / 2, edge, edge] };
  }, "image/jpeg");
}

/** Sound in samples of -1 to 1 at another rate; going down, neighbouring samples are averaged. */
export function resample(samples, from, to) {
  if (from === to) return samples;
  const ratio = from / to;
  const out = new Float32Array(Math.floor(samples.length / ratio));
  for (let i = 0; i < out.length; i += 1) {
    const start = i * ratio;
    if (ratio <= 1) {
      const left = Math.floor(start);
      const right = Math.min(left + 1, samples.length - 1);
      out[i] = samples[left] + (samples[right] - samples[left]) * (start - left);
      continue;
    }
    const end = Math.min(samples.length, Math.max(Math.floor(start) + 1, Math.floor(start + ratio)));
    let sum = 0;
    for (let at = Math.floor(start); at < end; at += 1) sum += samples[at];
    out[i] = sum / (end - Math.floor(start));
  }
  return out;
}

/** 16-bit little-endian PCM of samples between -1 and 1. */
export function toPcm(samples) {
  const view = new DataView(new ArrayBuffer(samples.length * 2));
  for (let i = 0; i < samples.length; i += 1) {
    const value = Math.max(-1, Math.min(1, samples[i]));
    view.setInt16(i * 2, Math.round(value < 0 ? value * 32768 : value * 32767), true);
  }
  return new Uint8Array(view.buffer);
}

/** A WAV file of the PCM of a voice message, so that <audio> plays it. */
export function toWav(pcm, rate = VOICE_RATE) {
  const wav = new Uint8Array(44 + pcm.length);
  const view = new DataView(wav.buffer);
  const ascii = (at, text) => [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  ascii(0, "RIFF");
  view.setUint32(4, 36 + pcm.length, true);
  ascii(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // mono
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  ascii(36, "data");
  view.setUint32(40, pcm.length, true);
  wav.set(pcm, 44);
  return wav;
}

/** Seconds of a voice message. */
export function voiceLength(byteCount) {
  return byteCount / (VOICE_RATE * 2);
}

/** Loudness of a voice message in `bars` steps of 0 to 1, for its picture. */
export function loudness(pcm, bars) {
  const view = new DataView(pcm.buffer, pcm.byteOffset, pcm.length);
  const count = Math.floor(pcm.length / 2);
  const step = Math.max(1, Math.floor(count / bars));
  const found = [];
  for (let bar = 0; bar < bars; bar += 1) {
    let sum = 0;
    let seen = 0;
    for (let at = bar * step; at < Math.min(count, (bar + 1) * step); at += 4) {
      sum += Math.abs(view.getInt16(at * 2, true));
      seen += 1;
    }
    found.push(seen ? sum / seen : 0);
  }
  const top = Math.max(...found, 1);
  return found.map((each) => each / top);
}

/** The PCM of any sound file the browser can play. Throws when it can play none of it. */
export async function pcmOfFile(file) {
  const context = new OfflineAudioContext(1, 1, VOICE_RATE);
  const buffer = await context.decodeAudioData(await file.arrayBuffer());
  const mono = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
    const data = buffer.getChannelData(channel);
    for (let i = 0; i < mono.length; i += 1) mono[i] += data[i] / buffer.numberOfChannels;
  }
  return toPcm(resample(mono, buffer.sampleRate, VOICE_RATE));
}
