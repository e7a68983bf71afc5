// What goes wrong in the middle: callers who leave, stages that never end, and odd things thrown, logged and set.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import test from 'node:test';
import { StageError, answer, secret, stage } from '../src/index.js';
import { Server } from '../src/server.js';
import { Session } from '../src/session.js';
import { Pipe, eachFrame } from '../src/pipe.js';
import { open } from '../src/testing.js';
import { pb } from '../src/wire/wire.js';
import { start } from './host.js';

const opts = { timeout: 60_000 };
const LARGE = 200_000;
const FULL = { body: 'full', body_limit: 4 << 20, edit: [':body'] };
let number = 0;
/** make defines a stage under a name of its own. */
const make = (needs, run, more = {}) => stage(`h${++number}`, { needs, ...more }, run);

/** Wire is a host in the test's own process: what it sends together comes together. */
class Wire {
  frames = [];
  #wake;

  constructor(definition) {
    this.server = new Server({ name: 'x', version: '1', definitions: [definition] });
    const write = (b) => {
      eachFrame(b, (f) => this.frames.push(f));
      this.#wake?.();
      return true;
    };
    this.session = new Session(this.server, Object.assign(new EventEmitter(), { write, destroy() {} }));
    this.type = definition.type;
  }

  send(...frames) {
    this.session.receive(Buffer.from(pb.Batch.encode({ frames }).finish()));
  }

  async recv(kind) {
    for (;;) {
      const i = this.frames.findIndex((f) => f[kind]);
      if (i >= 0) return this.frames.splice(i, 1)[0];
      await new Promise((resolve) => (this.#wake = resolve));
    }
  }

  async open() {
    this.send({ exchange: 1_000, open: { instance: 1, type: this.type, config: Buffer.from('{}'), pipeline: 'p', stage: 's' } });
    assert.deepEqual((await this.recv('opened')).opened.mistakes, []);
    return this;
  }

  do(exchange, extra = {}) {
    return { exchange, do: { instance: 1, request: { method: 'GET', url: 'https://a.test/' }, ...extra } };
  }
}

const nothing = { leaving: 0, claims: 0, arrived: 0 };
const signal = () => {
  let fire;
  const fired = new Promise((resolve) => (fire = resolve));
  return [fired, fire];
};

test('what is made after Cancel is kept for nobody: an answer', opts, async () => {
  const [done, finish] = signal();
  const w = await new Wire(make({ answer: true, response: FULL }, async (_c, req) => {
    await new Promise((resolve) => req.signal.addEventListener('abort', resolve));
    setImmediate(finish);
    return answer(200, {}, Buffer.alloc(LARGE));
  })).open();
  w.send(w.do(1));
  w.send({ exchange: 1, cancel: {} });
  await done;
  assert.deepEqual(w.server.bodies.size, nothing);
});

test('what is made after Cancel is kept for nobody: a request that is handed on', opts, async () => {
  const [done, finish] = signal();
  const w = await new Wire(make({ request: FULL }, async (_c, req, next) => {
    await new Promise((resolve) => req.signal.addEventListener('abort', resolve));
    req.body = Buffer.alloc(LARGE);
    setImmediate(finish);
    return next(req);
  })).open();
  w.send(w.do(1));
  w.send({ exchange: 1, cancel: {} });
  await done;
  assert.deepEqual(w.server.bodies.size, nothing);
});

test('a body whose frame is too large to be sent is kept for nobody', opts, async () => {
  const huge = { 'x-huge': 'h'.repeat(1 << 20) };
  const w = await new Wire(make({ answer: true, request: { ...FULL, edit: [':body', 'x-huge'] }, response: FULL }, (_c, req, next) => {
    if (req.path === '/answer') return answer(200, huge, Buffer.alloc(LARGE));
    req.body = Buffer.alloc(LARGE);
    req.headers.set('x-huge', huge['x-huge']);
    return next(req);
  })).open();
  for (const [i, path] of ['answer', 'next'].entries()) {
    w.send(w.do(i + 1, { request: { method: 'GET', url: `https://a.test/${path}` } }));
    assert.match((await w.recv('return')).return.error.message, /does not fit into a frame/);
    assert.deepEqual(w.server.bodies.size, nothing, path);
  }
});

test('a body that the host did not fetch goes with its session', opts, async () => {
  const w = await new Wire(make({ answer: true, response: FULL }, () => answer(200, {}, Buffer.alloc(LARGE)))).open();
  w.send(w.do(1));
  assert.ok((await w.recv('return')).return.response.body.apart);
  assert.equal(w.server.bodies.size.leaving, 1);
  await w.session.end();
  assert.deepEqual(w.server.bodies.size, nothing);
});

test('Body, apart, and Cancel in one batch: Close is answered, and nothing waits for the body', opts, async () => {
  const w = await new Wire(make({ response: FULL }, async (_c, req, next) => {
    const resp = await next(req);
    await resp.text();
    return resp;
  })).open();
  w.send(w.do(2));
  await w.recv('next');
  w.send({ exchange: 2, result: { response: { status: 200, length: LARGE } } });
  await w.recv('read');
  w.send({ exchange: 2, body: { apart: true, length: LARGE } }, { exchange: 2, cancel: {} });
  w.send({ exchange: 3, close: { instance: 1 } });
  assert.equal((await w.recv('closed')).closed.failure, '');
  assert.deepEqual(w.frames.filter((f) => f.log), [], 'the stage has ended');
  assert.deepEqual(w.server.bodies.size, nothing);
});

test('a stage that never settles holds up Close no longer than its grace, and is named', opts, async () => {
  let closed = 0;
  const w = await new Wire(make({}, () => new Promise(() => {}), { close: () => closed++ })).open();
  w.send(w.do(1), w.do(2));
  w.send({ exchange: 1, cancel: {} });
  w.send({ exchange: 9, close: { instance: 1 } });
  w.send({ exchange: 2, cancel: {} });
  assert.equal((await w.recv('closed')).closed.failure, '');
  const { log } = await w.recv('log');
  assert.match(log.message, /works on requests that were cancelled/);
  assert.deepEqual(log.attributes.map((a) => a.text || a.integer.toNumber()), [2, 'p', 's']);
  assert.equal(closed, 1);
});

test('a stage that never settles holds up the end of its session no longer than its grace', opts, async (t) => {
  const p = await start(t);
  const s = await p.session();
  await s.open('act');
  s.do(1, 'hang');
  s.do(2, 'answer');
  await s.recv(2);
  s.end();
  assert.match((await s.recv()).log.message, /works on requests that were cancelled/);
  await assert.rejects(s.recv(), /the stream ended/);
});

test('an exchange whose Do crosses Draining is finished', opts, async () => {
  const w = await new Wire(make({ answer: true }, () => answer(204))).open();
  w.session.drain();
  w.send(w.do(1));
  assert.equal((await w.recv('return')).return.response.status, 204);
  assert.ok(w.frames.some((f) => f.draining));
});

test('a frame that can\'t be written leaves those before it alone', () => {
  const got = [];
  const pipe = new Pipe({ write: (b) => (eachFrame(b, (f) => got.push(f)), true) }, () => {});
  pipe.send({ exchange: 1, return: {} });
  assert.throws(() => pipe.send({ exchange: 2, return: { error: { message: 'begun', kind: 5 } } }));
  pipe.send({ exchange: 3, return: {} });
  pipe.flush();
  assert.deepEqual(got.map((f) => [f.exchange.toNumber(), f.return?.error ?? null]), [[1, null], [3, null]]);
});

const throwing = (key) => Object.defineProperty(new Error('odd'), key, { get() { throw new Error('no'); } });
const proxy = () => new Proxy({}, { get() { throw new Error('no'); }, getPrototypeOf() { throw new Error('no'); }, ownKeys() { throw new Error('no'); } });
class Headless extends StageError {
  constructor() {
    super('server', 'odd');
    this.headers = undefined;
  }
}

for (const [what, thrown] of Object.entries({
  undefined, null: null, 'a symbol': Symbol('odd'), 'an object without a prototype': Object.create(null), 'a proxy': proxy(), 'a throwing stack': throwing('stack'),
  'a throwing message': throwing('message'), 'a throwing cause': throwing('cause'), 'a throwing name': throwing('name'), 'an error without headers': new Headless(),
  'a kind that is no text': Object.assign(new StageError('server', 'odd'), { kind: 5 }), 'a cause that is itself': Object.assign(new Error('odd'), { get cause() { return this; } }),
})) {
  test(`whatever is thrown is an error with the stage's name: ${what}`, opts, async () => {
    const w = await new Wire(make({ response: {} }, async () => {
      throw thrown;
    })).open();
    w.send(w.do(1, { logLevel: -4 }));
    const { error } = (await w.recv('return')).return;
    assert.deepEqual([error.kind, error.stage, error.panic], ['internal', 's', true]);
    w.send({ exchange: 2, close: { instance: 1 } });
    assert.ok(await w.recv('closed'));
  });
}

test('what is logged never stops a stage', async () => {
  const t = await open(make({}, (_c, req, next) => {
    const getter = { good: 1, get bad() { throw new Error('no'); } };
    req.log.info('a getter', getter);
    req.log.with(getter).info('likewise');
    req.log.info('nested', { getter, date: Object.assign(new Date(), { getTime() { throw new Error('no'); } }), text: { toString: null } });
    req.log.info('a proxy', proxy());
    req.log.info('in it', { p: proxy(), f: throwing('stack') });
    req.log.info(Object.create(null));
    req.log.info('an error', throwing('message'));
    req.span.setAttribute('p', proxy());
    return next(req);
  }));
  const { logs, status } = await t.send();
  assert.equal(status, 200);
  assert.equal(logs.length, 7);
  assert.deepEqual([logs[0].attributes.good, logs[0].attributes.bad], [1, '(can\'t be shown: no)']);
  assert.equal(logs[1].attributes.bad, '(can\'t be shown: no)');
});

test('a secret that is logged is "[secret]", without quotes of its own', async () => {
  process.env.NODE_TEST_SECRET = 's3cret';
  const t = await open(make({}, (config, req, next) => (req.log.info('it', { key: config.key, at: new URL('https://a.test/') }), next(req)), { config: { key: secret({ required: true }) } }),
    { config: { key: { env: 'NODE_TEST_SECRET' } } });
  const [{ attributes }] = (await t.send()).logs;
  assert.deepEqual([attributes.key, attributes.at], ['[secret]', 'https://a.test/']);
});

const refused = () => new TypeError('fetch failed', { cause: Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }) });

test('the causes of a panic are in its message and its record', async () => {
  const t = await open(make({ response: {} }, async () => {
    throw refused();
  }));
  const { error, logs } = await t.send();
  assert.equal(error.message, 'panic: TypeError: fetch failed (cause: ECONNREFUSED)');
  assert.match(logs[0].attributes.cause, /AggregateError[^]*ECONNREFUSED/);
});

test('the cause of a StageError is told to who looks for it', async () => {
  const t = await open(make({ response: {} }, async () => {
    throw new StageError('network', 'the partner is away', { cause: refused() });
  }));
  const { error, logs } = await t.send();
  assert.deepEqual([error.message, logs.map((l) => [l.level, l.message, l.attributes.error])], ['the partner is away', [['debug', 'stage failed', 'the partner is away']]]);
  assert.match(logs[0].attributes.cause, /fetch failed[^]*caused by[^]*ECONNREFUSED/);
});

test('a stage may judge what it is granted as it is opened', opts, async () => {
  const w = new Wire(make({ request: { edit: ['x-a'] } }, (_c, req, next) => next(req), {
    open(_c, settings) {
      if (!settings.needs.request?.edit) throw new StageError('policy', 'it must set x-a: grants.request.edit');
    },
  }));
  w.send({ exchange: 1, open: { instance: 1, type: w.type, config: Buffer.from('{}'), pipeline: 'p', stage: 's', granted: { request: {} } } });
  const { opened } = await w.recv('opened');
  assert.deepEqual([opened.failure, opened.mistakes], ['it must set x-a: grants.request.edit', []]);
});
