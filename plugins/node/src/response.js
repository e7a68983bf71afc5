// Responses: that of the upstream, whose body stays with the host until it is read, and a stage's own.
import { BodyError, StageError, fromWire, internal } from './error.js';
import { Headers } from './headers.js';
import { textOf } from './log.js';
import { Message, bodyOf, digestOf } from './message.js';
import { follows, tooLong } from './request.js';
import { numberOf } from './wire/wire.js';

/** What next gave. It is changed in place, and handed on by returning it. */
export class StageResponse extends Message {
  #x;
  #was; // as the host gave it
  #headers;
  #body; // a Buffer that the stage has set
  #reading; // a promise of what the host's body is
  #data; // of it, once it is there
  #dropped = false;

  /** @param {import('./exchange.js').Exchange} x @param {any} w */
  constructor(x, w) {
    super();
    this.#x = x;
    this.#was = { status: w.status, headers: Headers.fromWire(w.headers), length: numberOf(w.length), sha256: Buffer.from(w.sha256) };
    this.status = w.status;
    this.proto = w.proto;
    this.stream = w.stream;
  }

  get ok() {
    return this.status >= 200 && this.status <= 299;
  }

  get headers() {
    return (this.#headers ??= this.#was.headers.clone());
  }

  get length() {
    return this.#body?.length ?? this.#was.length;
  }

  get body() {
    return this.#body;
  }

  set body(body) {
    this.#body = bodyOf(body);
  }

  async read() {
    if (this.#body) return this.#body;
    const mode = this.#x.needs.response?.body ?? 'none';
    if (mode === 'digest') {
      throw internal('the stage read a response\'s body of which its needs show the digest alone: use digest(), or ask for response.body "full"');
    }
    if (mode !== 'full') throw internal('the stage read a response\'s body, and its needs say nothing of it: ask for response.body "full"');
    return (await this.#fetch()).data;
  }

  async digest() {
    if (this.#body) return digestOf(this.#body);
    const mode = this.#x.needs.response?.body ?? 'none';
    if (mode === 'none') throw internal('the stage asked for a response\'s digest, and its needs say nothing of its body: ask for response.body "digest"');
    if (this.#was.sha256.length === 32) return { length: this.#was.length, sha256: this.#was.sha256 };
    const got = await this.#fetch();
    return got.digest ?? digestOf(got.data);
  }

  #fetch() {
    this.#reading ??= this.#ask();
    this.#reading.catch(() => {}); // whoever reads sees it; nobody need
    return this.#reading;
  }

  async #ask() {
    const x = this.#x;
    if (this.#was.length === 0) return { data: (this.#data = Buffer.alloc(0)) };
    if (this.stream) throw new StageError('policy', 'the response is a stream: no stage of another process can read it');
    if (x.last.response !== this) throw internal('the response of an earlier next is gone: read it before next is called again');
    if (this.#dropped) throw internal('the stage read a response that it has dropped');
    const w = await x.body(this);
    const data = await x.apart(w);
    if (w.error) throw (this.broke = fromWire(BodyError, w.error));
    if (w.more) {
      const limit = x.needs.response.body_limit;
      throw new StageError('policy', `the response's body has more than the ${limit} bytes that the stage may read: ask for a larger response.body_limit, and see what the file grants`);
    }
    if (w.sha256.length === 32) return { data: Buffer.alloc(0), digest: { length: numberOf(w.length), sha256: Buffer.from(w.sha256) } };
    return { data: (this.#data = data) };
  }

  /** Says that the response is not needed any more, so that its connection can go on. It can't be returned then. */
  drop() {
    if (!this.#dropped && this.#x.drop(this)) this.#dropped = true;
  }

  get dropped() {
    return this.#dropped;
  }

  /** of reports whether the response is one of exchange x. */
  of(x) {
    return this.#x === x;
  }

  /** edits returns what differs from the response that the host has, undefined if nothing does. */
  edits() {
    const e = {};
    if (this.status !== this.#was.status) e.status = statusOf(this.status);
    if (this.#body && !this.#data?.equals(this.#body) && !(this.#was.length === 0 && this.#body.length === 0)) {
      const limit = responseLimit(this.#x);
      if (this.#body.length > limit) throw tooLong(this.#body.length, limit, 'response.body_limit');
      e.body = this.#x.carry(this.#body);
    }
    if (this.#headers) {
      const headers = this.#was.headers.edits(this.#headers, follows(e.body && this.#body.length));
      if (headers.length > 0) e.headers = headers;
    }
    for (const _ in e) return e;
    return undefined;
  }

  [Symbol.for('nodejs.util.inspect.custom')](_depth, options, inspect) {
    return `StageResponse ${inspect({ status: this.status, headers: this.headers }, options)}`;
  }
}

/** What next gives a stage whose needs have no response: a token to hand back. */
export class Parted {
  constructor() {
    const none = () => {
      throw internal('the stage looked at a response, and its needs have none: ask for response: {}');
    };
    for (const key of ['status', 'ok', 'headers', 'body', 'length']) Object.defineProperty(this, key, { get: none, set: none });
    for (const key of ['text', 'json', 'bytes', 'digest']) Object.defineProperty(this, key, { value: async () => none() });
    Object.defineProperty(this, 'drop', { value() {} });
  }
}

/** A response of a stage's own. */
export class Answer {
  constructor(status, headers, body) {
    this.status = statusOf(status);
    this.headers = new Headers(headers);
    this.body = bodyOf(body);
  }

  toWire(x) {
    const data = bodyOf(this.body);
    const limit = responseLimit(x);
    if (data.length > limit) throw tooLong(data.length, limit, 'body_limit');
    return {
      status: statusOf(this.status), headers: this.headers.toWire(follows(data.length)), length: data.length, proto: 'HTTP/1.1', body: x.carry(data),
    };
  }
}

/** answerOf makes an answer of what a stage returned: an Answer or a Response of fetch. */
export async function answerOf(value) {
  if (value instanceof Answer) return value;
  if (typeof globalThis.Response === 'function' && value instanceof globalThis.Response) {
    return new Answer(value.status, value.headers, new Uint8Array(await value.arrayBuffer()));
  }
  return undefined;
}

const responseLimit = (x) => (x.needs.response ?? x.needs.request).body_limit;

function statusOf(status) {
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new TypeError(`${textOf(status)} is no status of a response: it is one of 200 to 599`);
  return status;
}
