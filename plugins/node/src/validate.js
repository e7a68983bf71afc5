// Whether a config is what its schema says, in the words of the file.
import { DURATION } from './schema.js';
import { Secret, isSecret } from './secret.js';

const NOUNS = { string: 'a string', integer: 'an integer', number: 'a number', boolean: 'true or false', array: 'an array', object: 'a table' };
const NO_PROTO = 'a key can\'t be named __proto__';
const NO_INTEGER = 'an integer of 2^53 or more is not kept exactly in JavaScript';
const UNITS = { ns: 1e-6, us: 1e-3, 'µs': 1e-3, 'μs': 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * read judges values by the keys that an author has described, and returns the config: with defaults, durations in milliseconds, and Secrets.
 * @param {Record<string, any>} keys @param {any} values @param {string} dir
 */
export function read(keys, values, dir = '') {
  const mistakes = [];
  const config = readTable({ type: 'object', properties: keys }, values, '', { mistakes, dir, hidden: false });
  return { config, mistakes };
}

function readTable(f, values, path, ctx) {
  const keys = f.properties ?? {};
  const out = {};
  for (const [key, value] of Object.entries(values)) {
    const at = join(path, key);
    if (key === '__proto__') add(ctx, at, NO_PROTO, 'take another name');
    else if (Object.hasOwn(keys, key)) out[key] = readValue(keys[key], value, at, ctx);
    else if (f.additionalProperties === true || (f.additionalProperties === undefined && !f.properties)) out[key] = readFree(value, at, ctx);
    else if (typeof f.additionalProperties === 'object') out[key] = readValue(f.additionalProperties, value, at, ctx);
    else add(ctx, at, `unknown key ${key}`, near(key, Object.keys(keys)));
  }
  for (const [key, fragment] of Object.entries(keys)) {
    if (Object.hasOwn(values, key)) continue;
    if (fragment.required) add(ctx, path, `${key} is missing`, fragment.doc ?? fragment.description ?? '');
    else if (fragment.default !== undefined) out[key] = readValue(fragment, structuredClone(fragment.default), join(path, key), ctx);
    else if (fragment.properties && !isSecret(fragment) && !Object.values(fragment.properties).some((f) => f.required)) {
      out[key] = readTable(fragment, {}, join(path, key), ctx); // a table that is left out has its defaults all the same
    }
  }
  return out;
}

/** readFree returns a value that nothing is said about; it holds what JavaScript can hold. */
function readFree(value, path, ctx) {
  if (Array.isArray(value)) return value.map((v, i) => readFree(v, `${path}[${i}]`, ctx));
  if (typeof value === 'object' && value !== null) return readTable({}, value, path, ctx);
  if (beyond(value) && Math.abs(value) <= 2 ** 63) add(ctx, path, NO_INTEGER, 'write it as a string');
  return value;
}

function readValue(f, value, path, ctx) {
  const inner = isSecret(f) ? { ...ctx, hidden: true } : ctx;
  if (f.anyOf) {
    for (const one of f.anyOf) {
      const tried = { ...inner, mistakes: [] };
      const got = readValue(one, value, path, tried);
      if (tried.mistakes.length === 0) return got;
    }
    add(inner, path, 'it is none of the forms that it can have', f.doc ?? '');
    return undefined;
  }
  if (f.type && !isType(f.type, value)) {
    const hint = isSecret(f) ? 'write where the secret is: { env = "NAME" } or { file = "path" }' : '';
    add(inner, path, `expected ${NOUNS[f.type]}, found ${NOUNS[typeOf(value)] ?? 'null'}`, hint);
    return undefined;
  }
  if (isSecret(f)) return readSecret(f, value, path, inner);
  if (f.type === 'integer' && beyond(value)) {
    add(inner, path, NO_INTEGER, 'a key that needs more digits is of type string');
    return undefined;
  }
  const before = inner.mistakes.length;
  if (f.enum && !f.enum.some((one) => equal(one, value))) {
    add(inner, path, `${JSON.stringify(value)} is not one of them`, `one of ${f.enum.map((s) => (typeof s === 'string' ? s : JSON.stringify(s))).join(', ')}`);
    return undefined;
  }
  if (f.const !== undefined && !equal(f.const, value)) add(inner, path, `it can only be ${JSON.stringify(f.const)}`);
  if (typeof value === 'string') checkText(f, value, path, inner);
  if (typeof value === 'number') checkNumber(f, value, path, inner);
  if (Array.isArray(value)) value = readArray(f, value, path, inner);
  else if (typeof value === 'object' && value !== null) {
    bounds(inner, path, Object.keys(value).length, f.minProperties, f.maxProperties, 'keys');
    value = readTable(f, value, path, inner);
  }
  return f[DURATION] && inner.mistakes.length === before ? durationOf(value, path, inner) : value;
}

function readSecret(f, value, path, ctx) {
  const before = ctx.mistakes.length;
  for (const key of Object.keys(value)) {
    if (key === 'env' || key === 'file') continue;
    const hint = ['cmd', 'secret'].includes(key) ? 'a plugin follows { env = "NAME" } and { file = "path" }' : near(key, ['env', 'file']);
    add(ctx, join(path, key), `unknown key ${key}`, hint);
  }
  if (ctx.mistakes.length > before) return undefined;
  const names = Object.values(value);
  if (names.length !== 1 || typeof names[0] !== 'string' || names[0] === '') {
    add(ctx, path, 'a secret is in one place', 'write { env = "NAME" } or { file = "path" }');
    return undefined;
  }
  return new Secret(value, path, ctx.dir);
}

function readArray(f, list, path, ctx) {
  bounds(ctx, path, list.length, f.minItems, f.maxItems, 'values');
  if (f.uniqueItems && new Set(list.map(written)).size < list.length) add(ctx, path, 'a value is there twice');
  return list.map((v, i) => (f.items ? readValue(f.items, v, `${path}[${i}]`, ctx) : readFree(v, `${path}[${i}]`, ctx)));
}

function checkText(f, value, path, ctx) {
  bounds(ctx, path, [...value].length, f.minLength, f.maxLength, 'characters');
  if (f.pattern !== undefined && !new RegExp(f.pattern, 'u').test(value)) {
    add(ctx, path, f[DURATION] ? `${JSON.stringify(value)} is no duration` : `${JSON.stringify(value)} does not match ${f.pattern}`, f[DURATION] ? 'write it with its unit, as in "1.5s"' : f.doc ?? '');
  }
}

function checkNumber(f, value, path, ctx) {
  if (f.minimum !== undefined && value < f.minimum) add(ctx, path, `${value} is less than ${f.minimum}`);
  if (f.maximum !== undefined && value > f.maximum) add(ctx, path, `${value} is more than ${f.maximum}`);
  if (f.exclusiveMinimum !== undefined && value <= f.exclusiveMinimum) add(ctx, path, `${value} is not more than ${f.exclusiveMinimum}`);
  if (f.exclusiveMaximum !== undefined && value >= f.exclusiveMaximum) add(ctx, path, `${value} is not less than ${f.exclusiveMaximum}`);
  if (f.multipleOf !== undefined && !isMultiple(value, f.multipleOf)) add(ctx, path, `${value} is no multiple of ${f.multipleOf}`);
}

function bounds(ctx, path, n, min, max, what) {
  if (min !== undefined && n < min) add(ctx, path, `it has ${n} ${what}, and needs at least ${min}`);
  if (max !== undefined && n > max) add(ctx, path, `it has ${n} ${what}, and can have ${max}`);
}

function durationOf(text, path, ctx) {
  const m = /^([+-]?)((?:[0-9]*\.?[0-9]+[a-zµμ]+|[0-9]+\.[a-zµμ]+)+|0)$/u.exec(text);
  let ms = 0;
  for (const [, number, unit] of m ? m[2].matchAll(/([0-9.]+)([a-zµμ]+)/gu) : []) {
    if (UNITS[unit] === undefined || Number.isNaN(Number(number))) return durationMistake(text, path, ctx);
    ms += Number(number) * UNITS[unit];
  }
  if (!m) return durationMistake(text, path, ctx);
  return m[1] === '-' ? -ms : ms;
}

function durationMistake(text, path, ctx) {
  add(ctx, path, `${JSON.stringify(text)} is no duration`, 'write it with its unit, as in "1.5s"');
  return undefined;
}

function add(ctx, path, message, hint = '') {
  ctx.mistakes.push({ path, message, hint, secret: ctx.hidden });
}

function isType(type, value) {
  const found = typeOf(value);
  return found === type || (type === 'number' && found === 'integer');
}

function typeOf(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

const equal = (a, b) => a === b || written(a) === written(b);

/** written is a value's JSON, with the keys of tables in order: those that are equal are written alike. */
function written(value) {
  return JSON.stringify(value, (_key, v) => (
    typeof v === 'object' && v !== null && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))) : v));
}

/** beyond reports whether a number is an integer that may have been another one in the file. */
const beyond = (value) => Number.isInteger(value) && !Number.isSafeInteger(value);

/** isMultiple counts in decimals, as the file writes them: 0.3 is a multiple of 0.1. */
function isMultiple(value, of) {
  const [a, b] = [decimal(value), decimal(of)];
  const e = Math.min(a.e, b.e);
  return (a.n * 10n ** BigInt(a.e - e)) % (b.n * 10n ** BigInt(b.e - e)) === 0n;
}

function decimal(number) {
  const [, digits, fraction = '', e = '0'] = /^(-?\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(number));
  return { n: BigInt(digits + fraction), e: Number(e) - fraction.length };
}
const join = (path, key) => (path === '' ? quoted(key) : `${path}.${quoted(key)}`);
const quoted = (key) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key));

/** near says which key was meant, or which there are. */
function near(key, known) {
  const best = known.map((k) => [distance(key, k), k]).sort((a, b) => a[0] - b[0])[0];
  if (best && best[0] <= Math.max(1, Math.floor(best[1].length / 3))) return `did you mean ${best[1]}?`;
  return known.length > 0 ? `known keys: ${known.join(', ')}` : 'it takes no keys';
}

function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}
