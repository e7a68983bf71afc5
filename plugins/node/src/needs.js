// What a stage must see and may do.
import { BODY_LIMIT, MAX_BODY, numberOf, pb } from './wire/wire.js';

const MODES = ['none', 'digest', 'full'];
const CALL = ['subject', 'operation', 'labels', 'idempotency_key'];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FRAMING = ['connection', 'content-length', 'host', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

/** The needs of a stage that tells none: it reads and changes request headers that hold no credential. */
export const DEFAULT_NEEDS = Object.freeze({ request: { headers: ['*'], edit: ['*'] } });

/**
 * checked returns needs with every key in its place; what nobody can ask for throws a TypeError that says where it stands.
 * @param {any} needs @param {string} where
 */
export function checked(needs, where) {
  known(needs, ['request', 'response', 'answer', 'retry', 'calls', 'credentials'], where);
  const r = needs.request ?? {};
  known(r, ['headers', 'query', 'body', 'body_limit', 'edit', 'call'], `${where}.request`);
  const out = {
    request: {
      headers: names(r.headers, `${where}.request.headers`), query: flag(r.query, `${where}.request.query`), body: mode(r.body, `${where}.request.body`),
      body_limit: limit(r.body_limit, `${where}.request.body_limit`), edit: edits(r.edit, `${where}.request.edit`, [':method', ':url', ':body']),
      call: list(r.call, `${where}.request.call`),
    },
    answer: flag(needs.answer, `${where}.answer`), retry: flag(needs.retry, `${where}.retry`), calls: flag(needs.calls, `${where}.calls`),
    credentials: list(needs.credentials, `${where}.credentials`),
  };
  for (const word of out.request.call) {
    if (!CALL.includes(word)) throw new TypeError(`${where}.request.call: ${JSON.stringify(word)} is none of ${CALL.join(', ')}`);
  }
  if (out.request.edit.includes(':url') && !out.request.query) {
    throw new TypeError(`${where}.request.edit: a stage that changes the URL must see its query, or it would lose it: query: true`);
  }
  if (needs.response !== undefined && needs.response !== null) {
    const p = needs.response;
    known(p, ['headers', 'body', 'body_limit', 'edit'], `${where}.response`);
    out.response = {
      headers: names(p.headers, `${where}.response.headers`), body: mode(p.body, `${where}.response.body`),
      body_limit: limit(p.body_limit, `${where}.response.body_limit`), edit: edits(p.edit, `${where}.response.edit`, [':status', ':body']),
    };
  }
  return out;
}

function known(table, keys, where) {
  if (typeof table !== 'object' || table === null || Array.isArray(table)) throw new TypeError(`${where} is no object`);
  for (const key of Object.keys(table)) {
    if (!keys.includes(key)) throw new TypeError(`${where}: there is no key ${JSON.stringify(key)}; it has ${keys.join(', ')}`);
  }
}

function list(v, where) {
  if (v === undefined) return [];
  if (!Array.isArray(v) || v.some((s) => typeof s !== 'string')) throw new TypeError(`${where} is no array of strings`);
  return [...v];
}

function names(v, where, parts = []) {
  for (const name of list(v, where)) {
    if (name !== '*' && !parts.includes(name) && !TOKEN.test(name)) throw new TypeError(`${where}: ${JSON.stringify(name)} is no name of a header`);
  }
  return list(v, where).map((name) => name.toLowerCase());
}

function edits(v, where, parts) {
  const out = names(v, where, parts);
  for (const name of out) {
    if (FRAMING.includes(name)) throw new TypeError(`${where}: ${name} belongs to the connection, nobody may change it: leave it out; the length follows the body`);
  }
  return out;
}

function flag(v, where) {
  if (v !== undefined && typeof v !== 'boolean') throw new TypeError(`${where} is neither true nor false`);
  return v ?? false;
}

function mode(v, where) {
  if (v !== undefined && !MODES.includes(v)) throw new TypeError(`${where}: ${JSON.stringify(v)} is none of ${MODES.join(', ')}`);
  return v ?? 'none';
}

function limit(v, where) {
  if (v === undefined || v === 0) return BODY_LIMIT;
  if (!Number.isInteger(v) || v < 0 || v > MAX_BODY) throw new TypeError(`${where} is no number of bytes up to 1 GiB`);
  return v;
}

/** toWire writes checked needs. */
export function toWire(n) {
  const r = n.request;
  const out = {
    request: { headers: r.headers, query: r.query, body: MODES.indexOf(r.body), bodyLimit: r.body_limit, edit: r.edit, call: r.call },
    answer: n.answer, retry: n.retry, calls: n.calls, credentials: n.credentials,
  };
  if (n.response) {
    out.response = { headers: n.response.headers, body: MODES.indexOf(n.response.body), bodyLimit: n.response.body_limit, edit: n.response.edit };
  }
  return out;
}

/** fromWire reads what the host grants. */
export function fromWire(w) {
  const r = w.request ?? new pb.RequestNeeds();
  const side = (p) => ({ headers: p.headers, body: MODES[p.body] ?? 'none', body_limit: numberOf(p.bodyLimit) || BODY_LIMIT, edit: p.edit });
  const out = {
    request: { ...side(r), query: r.query, call: r.call }, answer: w.answer, retry: w.retry, calls: w.calls, credentials: w.credentials,
  };
  if (w.response) out.response = side(w.response);
  return out;
}

/** both returns what a stage asks for and is granted. */
export function both(own, granted) {
  const names = (a, b) => (b.includes('*') ? a : a.includes('*') ? [...new Set([...a.filter((s) => b.includes(s)), ...b])] : a.filter((s) => b.includes(s)));
  const side = (a, b) => ({
    headers: names(a.headers, b.headers), body: MODES[Math.min(MODES.indexOf(a.body), MODES.indexOf(b.body))],
    body_limit: Math.min(a.body_limit, b.body_limit), edit: names(a.edit, b.edit),
  });
  const out = {
    request: {
      ...side(own.request, granted.request), query: own.request.query && granted.request.query,
      call: own.request.call.filter((s) => granted.request.call.includes(s)),
    },
    answer: own.answer && granted.answer, retry: own.retry && granted.retry, calls: own.calls && granted.calls,
    credentials: names(own.credentials, granted.credentials),
  };
  if (own.response && granted.response) out.response = side(own.response, granted.response);
  return out;
}

/** plain returns checked needs as an author writes them, without what is not asked for. */
export function plain(n) {
  const some = (o) => Object.fromEntries(Object.entries(o).filter(([k, v]) =>
    !(v === false || v === 'none' || v === undefined || (Array.isArray(v) && v.length === 0) || (k === 'body_limit' && o.body !== 'full'))));
  const out = some({ ...n, request: some(n.request) });
  if (Object.keys(out.request).length === 0) delete out.request;
  if (n.response) out.response = some(n.response);
  return out;
}
