// The call that a request belongs to: what the host knows of it, and what a stage does to it.
import { CLASSES, KINDS } from './error.js';
import { textOf } from './log.js';
import { milliseconds, nanoseconds } from './wire/wire.js';

const MAX_EVENTS = 64; // in one frame

/** A call, as a stage sees it. */
export class Call {
  #x; // undefined: the call is over
  #w;
  #progress;
  #at = performance.now();
  #changes; // since the last frame

  constructor(x, w) {
    this.#x = x;
    this.#w = w;
    this.#progress = w;
  }

  get pipeline() { return this.#w.pipeline; }
  get subject() { return this.#w.subject; }
  get operation() { return this.#w.operation; }
  get labels() { return { ...this.#w.labels }; }
  get idempotencyKey() { return this.#changes?.idempotencyKey || this.#w.idempotencyKey; }
  get idempotent() { return this.#w.idempotent; }
  get noRetry() { return this.#w.noRetry; }
  get skipAuth() { return this.#w.skipAuth; }
  get retryOwned() { return this.#w.retryOwned; }
  get observed() { return this.#w.observed; }
  get hop() { return this.#w.hop; }
  get serving() { return [...this.#w.serving]; }
  get timeout() { return milliseconds(this.#w.bound); }
  get attempts() { return this.#progress.attempts; }
  get sends() { return this.#progress.sends; }
  get transportResends() { return this.#progress.transportResends; }
  get elapsed() { return milliseconds(this.#progress.elapsed) + performance.now() - this.#at; }
  get waiting() { return milliseconds(this.#progress.waiting); }
  get upstream() { return milliseconds(this.#progress.upstream); }
  get stopReason() { return this.#progress.stopReason; }

  get outcome() {
    const o = this.#progress.outcome;
    return o ? { kind: o.kind, class: o.class, message: o.message, problemType: o.problemType, status: o.status } : undefined;
  }

  /** Has the credential of that name attached to each send from now on. */
  attach(name, { subject = '' } = {}) {
    const ch = this.#change();
    ch.attach = { credential: text(name, 'attach(name)'), subject: String(subject) };
    delete ch.skipCredential;
  }

  /** Has none attached, and says why in a word. */
  skipCredential(why) {
    const ch = this.#change();
    ch.skipCredential = textOf(text(why, 'skipCredential(why)'));
    delete ch.attach;
  }

  /** Says that the upstream refused the credential of that name: the next send waits for a newer one. */
  reject(name) {
    this.#change().rejected = text(name, 'reject(name)');
  }

  /** Puts an event on the call's timeline. */
  event(name, { reason = '', text: said = '', status = 0, attempt = 0, duration = 0 } = {}) {
    const events = (this.#change().events ??= []);
    if (events.length < MAX_EVENTS) {
      events.push({
        name: textOf(text(name, 'event(name)')), at: nanoseconds(this.elapsed), attempt, status, duration: nanoseconds(duration), reason: textOf(reason), text: textOf(said),
      });
    }
  }

  /** Says why nothing more is sent. */
  stop(why) {
    this.#change().stopped = textOf(why);
  }

  /** Counts one more attempt as begun. */
  attempt() {
    const ch = this.#change();
    ch.attempts = (ch.attempts ?? 0) + 1;
  }

  /** Says what the stage makes of the response; without a kind it is a success. */
  judge({ kind = '', class: cls = '', message = '', problemType = '' } = {}) {
    if (kind !== '' && !KINDS.includes(kind)) throw new TypeError(`judge: there is no kind ${JSON.stringify(kind)}; it is one of ${KINDS.join(', ')}`);
    if (cls !== '' && !CLASSES.includes(cls)) throw new TypeError(`judge: there is no class ${JSON.stringify(cls)}; it is one of ${CLASSES.join(', ')}`);
    this.#change().judged = { kind, class: cls, message: textOf(message), problemType: textOf(problemType) };
  }

  /** Says that the call can be sent again, by a key where the server knows one. */
  setIdempotent(key = '') {
    const ch = this.#change();
    ch.idempotent = true;
    if (key !== '') ch.idempotencyKey = text(key, 'setIdempotent(key)');
  }

  /** Waits on the host's clock, in milliseconds; the stage's timeout stands still. */
  wait(ms) {
    if (!(ms >= 0) || !Number.isFinite(ms)) throw new TypeError(`wait(${ms}): it takes a number of milliseconds`);
    if (!this.#x) throw new Error('the call is over: there is nothing to wait for');
    return this.#x.wait(ms);
  }

  /** take returns what was done since the last frame. */
  take() {
    const ch = this.#changes;
    this.#changes = undefined;
    return ch;
  }

  /** progress takes over how the call stands. */
  progress(w) {
    if (w) {
      this.#progress = w;
      this.#at = performance.now();
    }
  }

  #change() {
    if (!this.#x) throw new Error('the call is over: it can\'t be changed any more');
    return (this.#changes ??= {});
  }
}

function text(value, what) {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${what}: it takes a text, not ${value === '' ? 'an empty one' : String(value)}`);
  return value;
}
