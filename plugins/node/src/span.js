// Spans, which the host makes of what an exchange tells.
import { attributes, textOf } from './log.js';
import { messageOf } from './thrown.js';
import { nanoseconds, now } from './wire/wire.js';

const MAX_SPANS = 64;
const MAX_ATTRIBUTES = 64;
const MAX_EVENTS = 64;
const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'];

/** What an exchange records for the host. */
export class Tracing {
  /** The spans that were made, in order. @type {Span[]} */
  spans = [];
  taken = false;

  constructor(traceparent, recording) {
    this.traceparent = traceparent;
    this.recording = recording && traceparent !== '';
    this.own = new Span(this, 0, 0, '', 'internal');
  }

  /** take returns what was recorded; spans that have not ended end now. What is recorded later is lost. */
  take() {
    if (!this.recording || this.taken) return undefined;
    this.taken = true;
    const end = nanoseconds(now());
    return {
      span: this.own.data(),
      spans: this.spans.map((s) => ({ name: s.name, parent: s.parent, start: s.start, end: s.over ?? end, data: s.data(), kind: s.kind })),
    };
  }
}

/** A span. All of an exchange have the trace context of the stage's own, which exists wherever the trace is looked at. */
export class Span {
  #tracing;
  #index;
  #attributes = new Map();
  #events = [];
  #failed = false;
  #status = '';

  constructor(tracing, index, parent, name, kind) {
    this.#tracing = tracing;
    this.#index = index;
    this.parent = parent;
    this.name = name;
    this.kind = kind;
    this.start = nanoseconds(now());
    this.over = undefined;
  }

  /** The W3C trace context, for what the stage itself calls; "" where nobody records. */
  get traceparent() {
    return this.#tracing.traceparent;
  }

  get recording() {
    return this.#tracing.recording && !this.#tracing.taken && this.over === undefined;
  }

  startSpan(name, { kind = 'internal', attributes: attrs } = {}) {
    const t = this.#tracing;
    if (!KINDS.includes(kind)) throw new TypeError(`startSpan: kind ${JSON.stringify(kind)} is none of ${KINDS.join(', ')}`);
    const full = !t.recording || t.taken || t.spans.length >= MAX_SPANS;
    const s = new Span(full ? { recording: false, traceparent: t.traceparent, taken: true, spans: [] } : t, t.spans.length + 1, this.#index, textOf(name), kind);
    if (!full) t.spans.push(s);
    return s.setAttributes(attrs ?? {});
  }

  setAttribute(key, value) {
    return this.setAttributes({ [key]: value });
  }

  setAttributes(values) {
    if (!this.recording) return this;
    for (const a of attributes(values)) {
      if (this.#attributes.has(a.key) || this.#attributes.size < MAX_ATTRIBUTES) this.#attributes.set(a.key, a);
    }
    return this;
  }

  addEvent(name, attrs) {
    if (this.recording && this.#events.length < MAX_EVENTS) {
      this.#events.push({ name: textOf(name), time: nanoseconds(now()), attributes: attributes(attrs) });
    }
    return this;
  }

  recordError(err) {
    return this.addEvent('exception', { 'exception.message': messageOf(err) });
  }

  /** Marks what the span stands for as failed. */
  fail(message = '') {
    if (this.recording) {
      this.#failed = true;
      this.#status = textOf(message);
    }
    return this;
  }

  end() {
    if (this.#index > 0 && this.recording) this.over = nanoseconds(now());
  }

  /** data returns what was noted, undefined if nothing was. */
  data() {
    if (this.#attributes.size === 0 && this.#events.length === 0 && !this.#failed) return undefined;
    return { attributes: [...this.#attributes.values()], events: this.#events, failed: this.#failed, status: this.#status };
  }
}
