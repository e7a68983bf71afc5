// What stages log, for the host.
import { is, messageOf, stackOf, stringOf } from './thrown.js';
import { nanoseconds, now, pb } from './wire/wire.js';

/** Levels, in slog's numbers. */
export const LEVELS = Object.freeze({ debug: -4, info: 0, warn: 4, error: 8 });

const BURST = 4 << 20; // bytes at once, and then so much a second
const RATE = 1 << 20;
const MAX_LOG = 64 << 10; // of one record
const MAX_TEXT = 8 << 10;
const MAX_ATTRIBUTES = 64;

/** textOf bounds a text, and makes it one that protobuf carries. */
export function textOf(value) {
  let s = typeof value === 'string' ? value : stringOf(value);
  if (s.length > MAX_TEXT) s = `${s.slice(0, MAX_TEXT)}…`;
  return /[\ud800-\udfff]/u.test(s) ? s.replace(/[\ud800-\udfff]/gu, '\ufffd') : s;
}

/** attributes writes an object's values; one that can't be read doesn't stop the log. */
export function attributes(values, depth = 0) {
  const list = [];
  for (const key of keysOf(values)) {
    if (list.length === MAX_ATTRIBUTES) break;
    try {
      const value = values[key];
      if (value !== undefined) list.push({ key: textOf(key), ...attribute(value, depth) });
    } catch (err) {
      list.push({ key: textOf(key), text: unreadable(err) });
    }
  }
  return list;
}

function keysOf(values) {
  try {
    return Object.keys(values ?? {});
  } catch {
    return []; // of a Proxy
  }
}

/** copyOf reads an object's values, so that it can be joined with others. */
function copyOf(values) {
  return Object.fromEntries(keysOf(values).map((key) => {
    try {
      return [key, values[key]];
    } catch (err) {
      return [key, unreadable(err)];
    }
  }));
}

function attribute(value, depth) {
  switch (typeof value) {
    case 'boolean':
      return { flag: value };
    case 'number':
      return Number.isSafeInteger(value) ? { integer: value } : { number: value };
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? { integer: int64(value) } : { text: String(value) };
    case 'string':
      return { text: textOf(value) };
    case 'object':
      break;
    default:
      return { text: textOf(shown(value)) };
  }
  if (value === null) return { text: 'null' };
  if (value instanceof Date && !Number.isNaN(value.getTime())) return { time: nanoseconds(value.getTime()) };
  if (value instanceof Error) return { text: textOf(shown(value)) };
  if (Array.isArray(value) && value.every((s) => typeof s === 'string')) return { texts: { texts: value.slice(0, MAX_ATTRIBUTES).map(textOf) } };
  if (depth < 8 && Object.getPrototypeOf(value) === Object.prototype) return { group: { attributes: attributes(value, depth + 1) } };
  return { text: textOf(shown(value)) };
}

/** int64 of a bigint, as protobufjs takes it. */
const int64 = (n) => ({ low: Number(BigInt.asIntN(32, n)), high: Number(BigInt.asIntN(32, n >> 32n)), unsigned: false });

/** shown writes a value that has no kind of its own; one whose methods throw doesn't stop the log. */
function shown(value) {
  try {
    if (value instanceof Error) return stackOf(value);
    if (typeof value !== 'object') return String(value);
    const plain = typeof value.toJSON === 'function' ? value.toJSON() : value;
    return typeof plain === 'string' ? plain : JSON.stringify(plain) ?? String(value); // a secret's "[secret]" has no quotes of its own
  } catch (err) {
    return unreadable(err);
  }
}

const unreadable = (err) => `(can't be shown: ${messageOf(err)})`;

/** The records of one session. It never waits for the host. */
export class LogSink {
  #pipe;
  #room = BURST;
  #filled = performance.now();
  #dropped = 0;
  level = LEVELS.info; // that the host has last asked for

  constructor(pipe) {
    this.#pipe = pipe;
  }

  put(exchange, level, message, attrs) {
    const log = { time: nanoseconds(now()), level, message: textOf(message), attributes: attrs };
    let size = sizeOf(log);
    if (size > MAX_LOG) {
      log.attributes = [{ key: 'truncated', flag: true }];
      size = sizeOf(log);
    }
    const at = performance.now();
    this.#room = Math.min(BURST, this.#room + ((at - this.#filled) / 1000) * RATE);
    this.#filled = at;
    if (size > this.#room) {
      this.#dropped++;
      return;
    }
    this.#room -= size;
    if (this.#dropped > 0) log.attributes = [...log.attributes, { key: 'dropped_before', integer: this.#dropped }];
    this.#dropped = 0;
    this.#pipe.send({ exchange, log });
  }
}

const sizeOf = (log) => pb.Log.encode(log).len;

/** A logger whose records go to the host. */
export class Logger {
  #put;
  #level;
  #attrs;

  /** @param {(level: number, message: string, attributes: any[]) => void} put @param {() => number} level */
  constructor(put, level, attrs = {}) {
    this.#put = put;
    this.#level = level;
    this.#attrs = attrs;
  }

  enabled(level) {
    return (LEVELS[level] ?? level) >= this.#level();
  }

  with(attrs) {
    return new Logger(this.#put, this.#level, { ...this.#attrs, ...copyOf(attrs) });
  }

  debug(message, attrs) {
    this.#log(LEVELS.debug, message, attrs);
  }

  info(message, attrs) {
    this.#log(LEVELS.info, message, attrs);
  }

  warn(message, attrs) {
    this.#log(LEVELS.warn, message, attrs);
  }

  error(message, attrs) {
    this.#log(LEVELS.error, message, attrs);
  }

  #log(level, message, attrs) {
    if (level < this.#level()) return;
    if (is(attrs, Error)) attrs = { error: attrs };
    this.#put(level, message, attributes({ ...this.#attrs, ...copyOf(attrs) }));
  }
}

/** stderrLine writes a record that belongs to no session; the host reads such lines. */
export function stderrLine(level, message, attrs = {}) {
  const values = Object.fromEntries(Object.entries(attrs).map(([k, v]) => [k, is(v, Error) ? shown(v) : v]));
  let line;
  try {
    line = JSON.stringify({ time: new Date().toISOString(), level, msg: message, ...values });
  } catch {
    line = JSON.stringify({ level, msg: message });
  }
  process.stderr.write(`${line}\n`);
}

const STDERR = new Logger((level, message, list) => {
  stderrLine(Object.keys(LEVELS).find((k) => LEVELS[k] === level).toUpperCase(), message, Object.fromEntries(list.map((a) => [a.key, plain(a)])));
}, () => LEVELS.info);

function plain(a) {
  if (a.group) return Object.fromEntries(a.group.attributes.map((b) => [b.key, plain(b)]));
  if (a.time) return new Date(a.time.toNumber() / 1e6).toISOString();
  return a.texts?.texts ?? a.text ?? a.integer ?? a.number ?? a.flag;
}

/** The logger for what belongs to no stage: its records go to standard error, which the host reads. */
export const log = STDERR;
