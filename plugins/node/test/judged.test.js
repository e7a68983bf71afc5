// What an author may set, ask for and change is judged as the host judges it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { hides } from '../src/hidden.js';
import { Headers, StageError, answer, stage } from '../src/index.js';
import { open } from '../src/testing.js';

let number = 0;
/** make defines a stage under a name of its own. */
const make = (needs, run, more = {}) => stage(`j${++number}`, { needs, ...more }, run);

test('what the host refuses is refused where it is set', () => {
  const h = new Headers();
  for (const c of ['\0', '\x01', '\b', '\n', '\r', '\x1f', '\x7f']) assert.throws(() => h.set('x-a', `a${c}b`), /control character/);
  h.set('x-a', 'a\tb\u0080ü');
  for (const status of [99, 1000, -1, 4.5, '503', NaN]) assert.throws(() => new StageError('server', 'x', { status }), /is no status/);
  for (const status of [0, 100, 503, 999]) assert.equal(new StageError('server', 'x', { status }).status, status);
  for (const status of [101, 199, 600, undefined]) assert.throws(() => answer(status), /200 to 599/);
});

test('"*" of edits is what the host has it be', async () => {
  const set = (side, name, needs) => make(needs, async (_c, req, next) => {
    if (side === 'request') req.headers.set(name, 'new');
    const resp = await next(req);
    if (side === 'response') resp.headers.set(name, 'new');
    return resp;
  });
  const all = { request: { edit: ['*'] }, response: { edit: ['*'] } };
  const headers = { 'x-api-key': 'old', 'x-signature': 'old', 'x-plain': 'old' };
  for (const [side, name, needs, given, may] of [
    ['request', 'x-signature', all, {}, true], ['request', 'X-Api-Key', all, {}, true], ['request', 'x-plain', all, headers, true],
    ['request', 'x-signature', all, headers, false], ['request', 'x-api-key', all, headers, false],
    ['request', 'x-api-key', { ...all, request: { headers: ['*'], edit: ['*'] } }, headers, false],
    ['request', 'x-api-key', { ...all, request: { headers: ['x-api-key'], edit: ['*'] } }, headers, true],
    ['request', 'x-api-key', { ...all, request: { edit: ['*', 'x-api-key'] } }, headers, true],
    ['request', 'Authorization', all, {}, false], ['request', 'proxy-authorization', all, {}, false], ['request', 'COOKIE', all, {}, false],
    ['request', 'authorization', { ...all, request: { headers: ['authorization'], edit: ['*'] } }, {}, false],
    ['request', 'authorization', { ...all, request: { edit: ['authorization'] } }, {}, true],
    ['response', 'set-cookie', all, {}, true], ['response', 'authorization', all, {}, true], ['response', 'x-token', all, { 'x-token': 'old' }, true],
    ['response', 'connection', all, {}, false], ['request', 'host', all, {}, false],
  ]) {
    const t = await open(set(side, name, needs));
    const sent = t.send(side === 'request' ? { headers: given } : {}, () => ({ headers: side === 'response' ? given : {} }));
    const said = `${side} ${name} ${JSON.stringify(given)} ${JSON.stringify(needs)}`;
    if (may) assert.equal((side === 'request' ? (await sent).sends[0] : await sent).headers.get(name), 'new', said);
    else await assert.rejects(sent, /ask for request\.edit|belongs to the connection/, said);
  }
});

test('which headers hold a credential is what the host says', () => {
  const lines = readFileSync(new URL('fixtures/hidden.txt', import.meta.url), 'utf8').trim().split('\n');
  for (const line of lines) {
    const [name, word] = line.split(' ');
    assert.equal(hides(name), word === 'hidden', name);
  }
  assert.ok(lines.length > 40);
});

test('a stage is held against the needs of its config, not against the most of its type', async () => {
  const def = make((c) => ({ request: { edit: [c.header] } }), (c, req, next) => (req.headers.set('x-b', '1'), next(req)), {
    mostNeeds: { request: { edit: ['*'] } }, config: { header: { type: 'string', required: true } },
  });
  assert.equal((await (await open(def, { config: { header: 'x-b' } })).send()).status, 200);
  await assert.rejects((await open(def, { config: { header: 'x-a' } })).send(), /ask for request\.edit "x-b"/);
});

test('configs hold what JavaScript can hold, and are compared by value', async () => {
  const free = { type: 'object' };
  const def = make({}, (_c, req, next) => next(req), {
    config: {
      free, list: { type: 'array' }, n: { type: 'integer' }, f: { type: 'number' }, step: { type: 'number', multipleOf: 0.1 }, large: { type: 'number', multipleOf: 1e-7 },
      one: { enum: [{ a: 1, b: { c: 2, d: 3 } }] }, set: { type: 'array', uniqueItems: true },
    },
  });
  const judge = (text) => def.judge(Buffer.from(text)).mistakes.map((m) => `${m.path}: ${m.message}`);
  const proto = ': a key can\'t be named __proto__';
  const int = ': an integer of 2^53 or more is not kept exactly in JavaScript';
  for (const [text, want] of [
    ['{"__proto__": 1}', [`__proto__${proto}`]],
    ['{"free": {"a": {"__proto__": {"x": 1}}}}', [`free.a.__proto__${proto}`]],
    ['{"list": [[{"__proto__": 1}]]}', [`list[0][0].__proto__${proto}`]],
    ['{"free": {"constructor": {"prototype": 1}}}', []],
    ['{"n": 9007199254740993}', [`n${int}`]], ['{"n": 9007199254740991}', []], ['{"n": -9223372036854775808}', [`n${int}`]],
    ['{"free": {"n": [9007199254740993]}}', [`free.n[0]${int}`]], ['{"free": {"n": 1e300}}', []], ['{"f": 1e17}', []],
    ['{"step": 0.3}', []], ['{"step": 0.35}', ['step: 0.35 is no multiple of 0.1']], ['{"step": 1e22}', []], ['{"large": 1234567.1234567}', []], ['{"large": 1.5e-8}', ['large: 1.5e-8 is no multiple of 1e-7']],
    ['{"one": {"b": {"d": 3, "c": 2}, "a": 1}}', []], ['{"one": {"b": {"d": 3, "c": 3}, "a": 1}}', ['one: {"b":{"d":3,"c":3},"a":1} is not one of them']],
    ['{"set": [{"a": 1, "b": 2}, {"b": 2, "a": 1}]}', ['set: a value is there twice']], ['{"set": [{"a": 1}, {"a": "1"}]}', []],
  ]) assert.deepEqual(judge(text), want, text);
  assert.throws(() => make({}, () => {}, { config: { a: { type: 'number', multipleOf: 0 } } }), /multipleOf is a number above 0/);
});
