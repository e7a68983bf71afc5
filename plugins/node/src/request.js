// The request that a stage gets, and what it changed of it.
import { Headers } from './headers.js';
import { Message, bodyOf, digestOf } from './message.js';
import { StageError, internal } from './error.js';
import { numberOf } from './wire/wire.js';

/** The request as it comes to a stage. It is changed in place, and handed on by next. */
export class StageRequest extends Message {
  #x;
  #headers;
  #url;
  #body; // a Buffer that the stage has set; undefined: the given one

  /** @param {import('./exchange.js').Exchange} x @param {any} given */
  constructor(x, given) {
    super();
    this.#x = x;
    this.method = given.method;
    this.#url = given.url;
    this.host = given.host;
  }

  get url() {
    return this.#url;
  }

  set url(url) {
    this.#url = String(url);
  }

  /** The URL's path, as it is on the wire. */
  get path() {
    return new URL(this.#url).pathname;
  }

  get headers() {
    return (this.#headers ??= this.#x.given.headers.clone());
  }

  get call() {
    return this.#x.call;
  }

  get signal() {
    return this.#x.signal;
  }

  get log() {
    return this.#x.log;
  }

  get span() {
    return this.#x.span;
  }

  get deadline() {
    return this.#x.deadline;
  }

  /** Of the body, in bytes; -1: unknown. */
  get length() {
    return this.#body?.length ?? this.#x.given.length;
  }

  /** Whether next may be called again after the body was sent. */
  get replayable() {
    return this.#x.replayable;
  }

  /** The body that the stage has set. */
  get body() {
    return this.#body;
  }

  set body(body) {
    this.#body = bodyOf(body);
  }

  read() {
    if (this.#body) return this.#body;
    const { data, mode } = this.#x.given;
    if (data) return data;
    if (mode === 'digest') {
      throw internal('the stage read a request\'s body of which its needs show the digest alone: use digest(), or ask for request.body "full"');
    }
    throw internal('the stage read a request\'s body, and its needs say nothing of it: ask for request.body "full"');
  }

  async digest() {
    if (this.#body) return digestOf(this.#body);
    const { data, sha256, length } = this.#x.given;
    if (sha256.length === 32) return { length, sha256 };
    if (data) return digestOf(data);
    throw internal('the stage asked for a body\'s digest, and its needs say nothing of it: ask for request.body "digest"');
  }

  clone() {
    const r = new StageRequest(this.#x, this);
    if (this.#headers) r.#headers = this.#headers.clone();
    r.#body = this.#body;
    return r;
  }

  /** of reports whether the request is one of exchange x. */
  of(x) {
    return this.#x === x;
  }

  /** edits returns what differs from the request that the host gave, undefined if nothing does. */
  edits() {
    const given = this.#x.given;
    const e = {};
    if (this.method !== given.method) e.method = String(this.method);
    if (this.#url !== given.url) e.url = this.#url;
    if (this.host !== given.host) e.host = String(this.host);
    if (this.#body && !(given.data && this.#body.equals(given.data))) {
      const limit = this.#x.needs.request.body_limit;
      if (this.#body.length > limit) throw tooLong(this.#body.length, limit, 'request.body_limit');
      e.body = this.#x.carry(this.#body);
    }
    if (this.#headers) {
      const headers = given.headers.edits(this.#headers, follows(e.body && this.#body.length));
      if (headers.length > 0) e.headers = headers;
    }
    for (const _ in e) return e;
    return undefined;
  }

  [Symbol.for('nodejs.util.inspect.custom')](_depth, options, inspect) {
    return `StageRequest ${inspect({ method: this.method, url: this.url, headers: this.headers }, options)}`;
  }
}

/** given reads a request of the host. */
export function given(w, data, mode) {
  return {
    method: w.method || 'GET', url: w.url, host: w.host, headers: Headers.fromWire(w.headers), length: data ? data.length : numberOf(w.length),
    sha256: Buffer.from(w.sha256), data, mode,
  };
}

/** follows tells the one header that the host writes by itself where a body was replaced: its length. */
export function follows(length) {
  return (name, values) => length !== undefined && name === 'content-length' && (values.length === 0 || (values.length === 1 && values[0] === String(length)));
}

export function tooLong(length, limit, key) {
  return new StageError('policy', `the stage made a body of ${length} bytes, more than the ${limit} that it may: ask for a larger ${key}`);
}
