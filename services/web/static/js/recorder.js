// Records a voice message from the microphone as 16 kHz, 16 bit, mono PCM.
import { VOICE_RATE, resample, toPcm } from "./media.js";

const MAX_SECONDS = 110;

/** Browsers give the microphone only to pages from this machine or over TLS. */
export function canRecord() {
  return Boolean(navigator.mediaDevices?.getUserMedia && globalThis.AudioWorkletNode);
}

export class Recorder {
  /** `onFull` is called when the longest voice message is reached. */
  constructor(onFull) {
    this.onFull = onFull;
    this.parts = [];
    this.count = 0;
  }

  get seconds() {
    return this.context ? this.count / this.context.sampleRate : 0;
  }

  /** Throws when the person or the system does not give the microphone. */
  async start() {
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true } });
    this.context = new AudioContext();
    await this.context.audioWorklet.addModule(new URL("./recorder-worklet.js", import.meta.url));
    const tap = new AudioWorkletNode(this.context, "tap", { numberOfOutputs: 0 });
    tap.port.onmessage = ({ data }) => {
      this.parts.push(data);
      this.count += data.length;
      if (this.seconds >= MAX_SECONDS) this.onFull();
    };
    this.context.createMediaStreamSource(this.stream).connect(tap);
  }

  /** Ends the recording and gives its PCM. */
  async stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    const rate = this.context?.sampleRate ?? VOICE_RATE;
    await this.context?.close();
    const samples = new Float32Array(this.count);
    let at = 0;
    for (const part of this.parts) {
      samples.set(part, at);
      at += part.length;
    }
    return toPcm(resample(samples, rate, VOICE_RATE));
  }
}
