// What needs show of a request or a response, and what they let a stage change: a host's rules, for an author's tests.
import { StageError, internal } from './error.js';
import { Headers, textOf } from './headers.js';
import { hides } from './hidden.js';

const CALLERS = ['authorization', 'proxy-authorization', 'cookie'];
const FRAMING = ['connection', 'content-length', 'host', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

/** beyond says which need lacks. */
export const beyond = (what) => internal(`the stage did what its needs do not have: ask for ${what}`);

/** callOf is what a call's words are on the wire. */
export const callOf = ({ subject = '', operation = '', labels = {}, idempotencyKey = '' }) => ({ subject, operation, labels, idempotencyKey });

/** shown returns the headers that needs show. */
export function shown(headers, names) {
  return headers.toWire((name) => !sees(names, name));
}

const sees = (names, name) => names.includes(name) || (names.includes('*') && !hides(name));

/** edited applies edits, as far as needs allow them. */
export function edited(m, e, needs, side, fetch) {
  const out = { ...m, headers: m.headers.clone() };
  const may = (name) => {
    if (needs.edit.includes(name)) return true;
    if (!needs.edit.includes('*') || name.startsWith(':')) return false;
    if (side === 'response' || !hides(name)) return true;
    return !CALLERS.includes(name) && (!m.headers.has(name) || sees(needs.headers, name)); // a signature is added, a credential not replaced
  };
  const want = (name) => {
    if (FRAMING.includes(name)) throw internal(`the stage changed ${name}, which belongs to the connection: nobody may`);
    if (!may(name)) throw beyond(`${side}.edit ${JSON.stringify(name)}`);
  };
  for (const part of ['method', 'url', 'status', 'body']) {
    if (e?.[part] === null || e?.[part] === undefined) continue;
    want(`:${part}`);
    out[part] = part === 'body' ? fetch(e.body) : e[part];
  }
  if (e?.host) want(':url');
  for (const { name, values } of e?.headers ?? []) {
    want(name);
    out.headers.delete(name);
    for (const v of values) out.headers.append(name, textOf(v));
  }
  return out;
}

/** errorOf reads an error of the stage's. */
export function errorOf(e) {
  return new StageError(e.kind, e.message, { class: e.class || 'terminal', reason: e.reason, status: e.status, headers: Headers.fromWire(e.headers), stage: e.stage });
}

/** logOf reads a record. */
export function logOf(l) {
  const level = l.level >= 8 ? 'error' : l.level >= 4 ? 'warn' : l.level >= 0 ? 'info' : 'debug';
  return { level, message: l.message, attributes: Object.fromEntries(l.attributes.map((a) => [a.key, valueOf(a)])) };
}

function valueOf(a) {
  if (a.group) return Object.fromEntries(a.group.attributes.map((b) => [b.key, valueOf(b)]));
  const v = a[a.value];
  return a.texts?.texts ?? (typeof v === 'object' ? v.toNumber() : v);
}
