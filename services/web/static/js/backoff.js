// Waiting times between attempts: doubling, capped, and with jitter so that many clients do not come back at once.

export class Backoff {
  constructor({ first = 400, cap = 20000, random = Math.random } = {}) {
    this.first = first;
    this.cap = cap;
    this.random = random;
    this.attempts = 0;
  }

  reset() {
    this.attempts = 0;
  }

  /** Milliseconds until the next attempt, between half and the whole of the step. */
  next() {
    const step = Math.min(this.cap, this.first * 2 ** Math.min(this.attempts, 20));
    this.attempts += 1;
    return Math.round(step * (0.5 + this.random() / 2));
  }
}
