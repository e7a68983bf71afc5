// Header fields, whose values are bytes on the wire and texts here.
import { isUtf8 } from 'node:buffer';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const UNFIT = /[\x00-\x08\x0a-\x1f\x7f]/; // a tab may be there
const PLAIN = /^[\x00-\x7f]*$/;
const LONE = /[\ud800-\udfff]/u;

/**
 * textOf reads a value. Bytes that are no UTF-8 become lone surrogates, U+DC80 to U+DCFF, of which bytesOf makes the same bytes again.
 * @param {Uint8Array} bytes
 */
export function textOf(bytes) {
  const b = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = b.latin1Slice(0, b.length);
  if (PLAIN.test(text)) return text;
  if (isUtf8(b)) return b.utf8Slice(0, b.length);
  let out = '';
  for (let i = 0; i < b.length;) {
    let n = b[i] < 0x80 ? 1 : b[i] >= 0xf0 ? 4 : b[i] >= 0xe0 ? 3 : 2;
    const piece = b.subarray(i, i + n);
    if (piece.length === n && isUtf8(piece)) out += piece.toString();
    else {
      out += String.fromCharCode(0xdc00 + b[i]);
      n = 1;
    }
    i += n;
  }
  return out;
}

/** bytesOf writes a value. @param {string} text */
export function bytesOf(text) {
  if (!LONE.test(text)) return Buffer.from(text);
  const parts = [];
  for (const c of text) {
    const code = c.charCodeAt(0);
    parts.push(c.length === 1 && code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code & 0xff]) : Buffer.from(c));
  }
  return Buffer.concat(parts);
}

/** Header fields by name, in any case. A name may have several values. */
export class Headers {
  /** @type {Map<string, string[]>} */
  #all = new Map();

  constructor(init) {
    if (init === undefined || init === null) return;
    for (const [name, value] of typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init)) {
      for (const one of Array.isArray(value) ? value : [value]) this.append(name, one);
    }
  }

  /** fromWire reads what the host has sent. */
  static fromWire(list) {
    const h = new Headers();
    for (const { name, value } of list) {
      const text = textOf(value);
      const old = h.#all.get(name);
      if (old) old.push(text);
      else h.#all.set(name, [text]);
    }
    return h;
  }

  /** toWire writes all fields. */
  toWire(skip = (_name, _values) => false) {
    const list = [];
    for (const [name, values] of this.#all) {
      if (!skip(name, values)) for (const v of values) list.push({ name, value: bytesOf(v) });
    }
    return list;
  }

  get(name) {
    return this.#all.get(lower(name))?.join(', ') ?? null;
  }

  getAll(name) {
    return [...(this.#all.get(lower(name)) ?? [])];
  }

  has(name) {
    return this.#all.has(lower(name));
  }

  set(name, value) {
    const key = nameOf(name);
    this.#all.set(key, Array.isArray(value) ? value.map((v) => valueOf(name, v)) : [valueOf(name, value)]);
    return this;
  }

  append(name, value) {
    const key = nameOf(name);
    this.#all.set(key, [...(this.#all.get(key) ?? []), valueOf(name, value)]);
    return this;
  }

  delete(name) {
    return this.#all.delete(lower(name));
  }

  keys() {
    return this.#all.keys();
  }

  *entries() {
    for (const name of this.#all.keys()) yield [name, this.get(name)];
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  get size() {
    return this.#all.size;
  }

  clone() {
    const h = new Headers();
    for (const [name, values] of this.#all) h.#all.set(name, [...values]);
    return h;
  }

  /** edits returns what makes after of these, as HeaderEdits. skip names what the host writes by itself. */
  edits(after, skip = (_name, _values) => false) {
    const list = [];
    for (const [name, values] of after.#all) {
      const old = this.#all.get(name);
      if (old ? same(old, values) : values.length === 0 && name !== 'user-agent') continue;
      if (!skip(name, values)) list.push({ name, values: values.map(bytesOf) });
    }
    for (const name of this.#all.keys()) {
      if (!after.#all.has(name) && !skip(name, [])) list.push({ name, values: [] });
    }
    return list;
  }

  toJSON() {
    return Object.fromEntries(this.#all);
  }

  [Symbol.for('nodejs.util.inspect.custom')](_depth, options, inspect) {
    return `Headers ${inspect(this.toJSON(), options)}`;
  }
}

const lower = (name) => (typeof name === 'string' ? name.toLowerCase() : String(name).toLowerCase());
const same = (a, b) => a.length === b.length && a.every((v, i) => v === b[i]);

function nameOf(name) {
  if (!TOKEN.test(name)) throw new TypeError(`${JSON.stringify(name)} is no name of a header`);
  return lower(name);
}

function valueOf(name, value) {
  if (value === undefined || value === null) throw new TypeError(`the value of header ${name} is ${value}: delete() removes a header`);
  const text = String(value);
  if (UNFIT.test(text)) throw new TypeError(`the value of header ${name} has a line end, or another control character`);
  return text;
}
