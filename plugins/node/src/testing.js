// A host for an author's tests: it runs a stage in the test's own process, shows it what its needs show, and holds it against them.
import { EventEmitter } from 'node:events';
import { StageError, toWire as errorTo } from './error.js';
import { Headers } from './headers.js';
import { bodyOf, digestOf } from './message.js';
import { beyond, callOf, edited, errorOf, logOf, shown } from './granted.js';
import { fromWire as needsFrom } from './needs.js';
import { eachFrame } from './pipe.js';
import { Server } from './server.js';
import { Session } from './session.js';
import { GOOD_CHUNK, MAX_INLINE, milliseconds, nanoseconds, pb } from './wire/wire.js';

globalThis[Symbol.for('@leatdev/plugin testing')] = true; // so that serve, in the module under test, leaves the process alone

/** What a config is not, by the stage's schema or its check. */
export class ConfigError extends Error {
  constructor(mistakes) {
    super(mistakes.map((m) => [m.path, m.message, m.hint && `(${m.hint})`].filter(Boolean).join(': ')).join('\n'));
    this.mistakes = mistakes.map(({ path, message, hint, secret }) => ({ path, message, hint, secret }));
  }
}

/** open makes a stage as a host does. */
export async function open(definition, { config = {}, pipeline = 'test', stage = definition.type, dir = process.cwd(), logLevel = -4 } = {}) {
  const t = new TestStage(definition, logLevel);
  const opened = await t.ask({ open: { instance: 1, type: definition.type, config: Buffer.from(JSON.stringify(config)), pipeline, stage, dir } }, 'opened');
  if (opened.mistakes.length > 0) throw new ConfigError(opened.mistakes);
  if (opened.failure) throw new Error(opened.failure);
  t.holds(needsFrom(opened.needs));
  return t;
}

/** A stage under test. */
class TestStage {
  #session;
  #server;
  #number = 0;
  #exchanges = new Map();
  #needs;
  #level;
  /** Records that belong to no exchange. */
  logs = [];

  constructor(definition, level) {
    this.#level = level;
    this.#server = new Server({ name: 'test', version: 'test', definitions: [definition] });
    const stream = { on() {}, destroy: (err) => this.#fail(err), write: (batch) => (eachFrame(batch, (f) => this.#receive(f)), true) };
    this.#session = new Session(this.#server, stream);
  }

  /** holds sets what the stage is held against. */
  holds(needs) {
    this.#needs = needs;
  }

  #fail(err) {
    for (const x of this.#exchanges.values()) x.reject(err);
  }

  #receive(frame) {
    const x = this.#exchanges.get(frame.exchange.toNumber());
    if (frame.log) (x?.logs ?? this.logs).push(logOf(frame.log));
    else x?.receive(frame);
  }

  /** tell hands the session a frame, by way of its bytes. */
  tell(frame) {
    this.#session.receive(pb.Batch.encode({ frames: [frame] }).finish());
  }

  /** ask sends a frame whose exchange is answered once. */
  ask(frame, kind) {
    const exchange = ++this.#number;
    return new Promise((resolve, reject) => {
      this.#exchanges.set(exchange, { reject, receive: (f) => resolve(f[kind]) });
      this.tell({ exchange, ...frame });
    }).finally(() => this.#exchanges.delete(exchange));
  }

  /** send has the stage work on a request; upstream answers what it hands on. */
  async send(request, upstream = () => ({ status: 200 }), { signal } = {}) {
    const exchange = ++this.#number;
    const x = new TestExchange(this, this.#server, exchange, this.#needs, request, upstream);
    this.#exchanges.set(exchange, x);
    const leave = () => {
      this.tell({ exchange, cancel: {} });
      x.reject(signal.reason);
    };
    signal?.addEventListener('abort', leave, { once: true });
    try {
      this.tell({ exchange, do: await x.begin(this.#level) });
      return await x.done;
    } finally {
      signal?.removeEventListener('abort', leave);
      this.#exchanges.delete(exchange);
    }
  }

  /** end tells the stage of the end of a call. */
  async end({ status = 200, error, method = 'GET', url = 'https://upstream.test/', headers = {}, ...call } = {}) {
    const exchange = ++this.#number;
    const logs = [];
    this.#exchanges.set(exchange, { logs, receive() {}, reject() {} });
    this.tell({
      exchange, ended: { instance: 1, request: { method, url, headers: new Headers(headers).toWire() }, call: callOf(call), status, error: error && errorTo(error), logLevel: this.#level },
    });
    await new Promise((resolve) => setImmediate(resolve));
    return { logs };
  }

  /** close closes the stage. */
  async close() {
    const closed = await this.ask({ close: { instance: 1 } }, 'closed');
    await this.#session.end();
    if (closed.failure) throw new Error(closed.failure);
  }
}

/** One request under test. */
class TestExchange {
  logs = [];
  #t;
  #server;
  #id;
  #needs;
  #given;
  #upstream;
  #last;
  #credential = {};
  #out = { sends: [], waits: [], events: [], rejected: [], attempts: 0 };

  constructor(t, server, id, needs, given, upstream) {
    this.#t = t;
    this.#server = server;
    this.#id = id;
    this.#needs = needs;
    this.#given = { method: 'GET', url: 'https://upstream.test/', ...given, headers: new Headers(given?.headers), body: bodyOf(given?.body) };
    this.#upstream = upstream;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.done.catch(() => {});
  }

  /** begin is Do, with what the needs show. */
  async begin(logLevel) {
    const n = this.#needs.request;
    const { method, url, headers, body } = this.#given;
    const w = { method, url: n.query ? url : url.replace(/\?[^#]*/, ''), headers: shown(headers, n.headers), length: body.length, replayable: true };
    if (n.body === 'digest') w.sha256 = digestOf(body).sha256;
    if (n.body === 'full') w.body = this.#lend(body);
    const known = Object.fromEntries(Object.entries(callOf(this.#given)).filter(([k]) => n.call.includes(k === 'idempotencyKey' ? 'idempotency_key' : k)));
    return { instance: 1, request: w, call: { pipeline: 'test', ...known }, logLevel, deadline: nanoseconds(30_000), timeout: nanoseconds(5_000) };
  }

  /** lend has a long body travel apart, as a host does. */
  #lend(data) {
    if (data.length <= MAX_INLINE) return { data, length: data.length };
    const call = new EventEmitter();
    this.#server.bodies.upload(call, () => {});
    for (let at = 0; at < data.length; at += GOOD_CHUNK) {
      call.emit('data', pb.Chunk.decode(pb.Chunk.encode({ exchange: this.#id, data: data.subarray(at, at + GOOD_CHUNK), length: data.length }).finish()));
    }
    call.emit('end');
    return { apart: true, length: data.length };
  }

  /** fetch returns a body of the stage's. */
  #fetch(body) {
    if (!body.apart) return Buffer.from(body.data);
    const chunks = [];
    const call = Object.assign(new EventEmitter(), { request: { exchange: this.#id }, write: (c) => chunks.push(c.data) > 0, end() {} });
    this.#server.bodies.download(call);
    return Buffer.concat(chunks);
  }

  receive(frame) {
    this.#step(frame).catch((err) => {
      this.#t.tell({ exchange: this.#id, cancel: {} });
      this.reject(err);
    });
  }

  async #step(frame) {
    const kind = ['next', 'return', 'wait', 'read', 'drop'].find((k) => frame[k]);
    const w = frame[kind];
    if (w?.changes) this.#apply(w.changes);
    switch (kind) {
      case 'next':
        return this.#next(w);
      case 'wait':
        this.#out.waits.push(milliseconds(w.duration));
        return this.#t.tell({ exchange: this.#id, awake: { call: {} } });
      case 'read':
        return this.#t.tell({ exchange: this.#id, body: this.#read() });
      case 'return':
        return this.#return(w);
    }
    return undefined;
  }

  #apply(ch) {
    const may = (name) => this.#needs.credentials.includes(name) || this.#needs.credentials.includes('*');
    const name = ch.attach?.credential || ch.rejected;
    if (name && !may(name)) throw beyond(`credentials ${JSON.stringify(name)}`);
    if (ch.skipCredential && this.#needs.credentials.length === 0) throw beyond('credentials');
    if ((ch.idempotent || ch.idempotencyKey) && !this.#needs.request.call.includes('idempotency_key')) throw beyond('request.call "idempotency_key"');
    if (ch.attach) this.#credential = { credential: ch.attach.credential, subject: ch.attach.subject };
    if (ch.skipCredential) this.#credential = { skipped: ch.skipCredential };
    if (ch.rejected) this.#out.rejected.push(ch.rejected);
    if (ch.stopped !== null && ch.stopped !== undefined) this.#out.stopped = ch.stopped;
    if (ch.judged) this.#out.judged = { kind: ch.judged.kind, class: ch.judged.class, message: ch.judged.message };
    this.#out.attempts += ch.attempts;
    for (const e of ch.events) this.#out.events.push({ name: e.name, reason: e.reason, text: e.text });
  }

  async #next(w) {
    if (this.#out.sends.length > 0 && !this.#needs.retry) throw beyond('retry');
    const sent = { ...edited(this.#given, w.edits, this.#needs.request, 'request', (b) => this.#fetch(b)), ...this.#credential };
    this.#out.sends.push(sent);
    let result;
    try {
      const r = (await this.#upstream(sent)) ?? {};
      this.#last = { status: r.status ?? 200, headers: new Headers(r.headers), body: bodyOf(r.body) };
      const n = this.#needs.response ?? { headers: [], body: 'none' };
      result = {
        response: {
          status: this.#last.status, headers: shown(this.#last.headers, n.headers), length: this.#last.body.length, proto: 'HTTP/1.1', stream: r.stream ?? false,
          sha256: n.body === 'digest' ? digestOf(this.#last.body).sha256 : undefined,
        },
      };
    } catch (err) {
      if (!(err instanceof StageError)) throw err; // the test's own mistake
      this.#last = undefined;
      this.failed = err;
      result = { error: errorTo(err) };
    }
    if (w.last) return this.#finish(result.error ? { error: this.failed } : this.#last);
    return this.#t.tell({ exchange: this.#id, result: { ...result, call: { sends: this.#out.sends.length }, replayable: true } });
  }

  #read() {
    const { body } = this.#last;
    const limit = this.#needs.response.body_limit;
    return { ...this.#lend(body.subarray(0, limit)), more: body.length > limit };
  }

  #return(w) {
    if (w.error) {
      const error = w.error.ofResult && this.failed?.message === w.error.message ? this.failed : errorOf(w.error);
      return this.#finish({ error, panicked: w.error.panic });
    }
    if (w.response) {
      if (!this.#needs.answer && !this.#last) throw beyond('answer');
      return this.#finish({ status: w.response.status, headers: Headers.fromWire(w.response.headers), body: this.#fetch(w.response.body), answered: true });
    }
    if (!this.#last) return this.#finish({ error: this.failed });
    return this.#finish(edited(this.#last, w.edits, this.#needs.response ?? { edit: [] }, 'response', (b) => this.#fetch(b)));
  }

  #finish({ status = 0, headers = new Headers(), body = Buffer.alloc(0), error, answered = false, panicked = false }) {
    const text = () => body.toString();
    this.resolve({ ...this.#out, status, headers, body, text, json: () => JSON.parse(text()), error, answered, panicked, logs: this.logs });
  }
}
