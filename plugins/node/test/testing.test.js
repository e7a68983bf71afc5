import assert from 'node:assert/strict';
import test from 'node:test';
import { BodyError, NextError, StageError, answer, duration, secret, stage } from '../src/index.js';
import { ConfigError, open } from '../src/testing.js';

let number = 0;
/** make defines a stage under a name of its own. */
const make = (options, run) => stage(`s${++number}`, options, run);
const RESPONSE = { headers: ['*'], body: 'full', edit: ['*', ':status', ':body'] };

test('a header that is set goes to the upstream', async () => {
  const t = await open(make({ needs: { request: { edit: ['x-tenant'], call: ['subject'] } } }, (_c, req, next) => {
    req.headers.set('X-Tenant', req.call.subject);
    return next(req);
  }));
  const out = await t.send({ subject: 'zoë' });
  assert.equal(out.sends[0].headers.get('x-tenant'), 'zoë');
  assert.equal(out.status, 200);
  await t.close();
});

test('a header beyond the needs is named', async () => {
  const t = await open(make({ needs: { request: {} } }, (_c, req, next) => {
    req.headers.set('x-tenant', 'a');
    return next(req);
  }));
  await assert.rejects(t.send(), /ask for request.edit "x-tenant"/);
});

test('what the needs do not name is not seen', async () => {
  const seen = [];
  const t = await open(make({ needs: { request: { headers: ['*'] } } }, (_c, req, next) => {
    seen.push(req.url, [...req.headers.keys()], req.call.subject);
    return next(req);
  }));
  await t.send({ url: 'https://a.test/x?key=1', headers: { authorization: 'Bearer t', accept: '*/*' }, subject: 'ada' });
  assert.deepEqual(seen, ['https://a.test/x', ['accept'], '']);
});

test('a response is read, changed and returned', async () => {
  const t = await open(make({ needs: { response: RESPONSE } }, async (_c, req, next) => {
    const resp = await next(req);
    const { n } = await resp.json();
    resp.status = 201;
    resp.headers.set('x-n', n);
    resp.body = JSON.stringify({ n: n + 1 });
    return resp;
  }));
  const out = await t.send({}, () => ({ body: '{"n":1}' }));
  assert.deepEqual([out.status, out.headers.get('x-n'), out.json(), out.answered], [201, '1', { n: 2 }, false]);
});

test('bodies of more than 64 KiB go both ways, and one changed in place is seen as changed', async () => {
  const big = { body: 'full', body_limit: 4 << 20, edit: [':body'] };
  const t = await open(make({ needs: { request: big, response: big } }, async (_c, req, next) => {
    const b = await req.bytes();
    b[0] = 0x41;
    req.body = b;
    const resp = await next(req);
    const a = await resp.bytes();
    a[0] = 0x42;
    resp.body = a;
    return resp;
  }));
  const out = await t.send({ body: Buffer.alloc(1 << 20, 'x') }, () => ({ body: Buffer.alloc(300_000, 'y') }));
  assert.deepEqual([out.sends[0].body.length, out.sends[0].body[0], out.body.length, out.body[0], out.body[1]], [1 << 20, 0x41, 300_000, 0x42, 0x79]);
});

test('bytes of a header that are no UTF-8 stay what they are', async () => {
  const t = await open(make({ needs: { request: { headers: ['x-odd'], edit: ['x-copy'] } } }, (_c, req, next) => {
    req.headers.set('x-copy', req.headers.get('x-odd'));
    return next(req);
  }));
  const odd = String.fromCharCode(0xdcff, 0xdce9) + 'ü';
  const out = await t.send({ headers: { 'x-odd': odd } });
  assert.equal(out.sends[0].headers.get('x-copy'), odd);
});

test('a stage answers by itself, also with a Response of fetch', async () => {
  const own = make({ needs: { answer: true } }, () => answer(503, { 'retry-after': 1 }, 'busy'));
  const out = await (await open(own)).send();
  assert.deepEqual([out.status, out.headers.get('retry-after'), out.text(), out.answered, out.sends.length], [503, '1', 'busy', true, 0]);
  const fetched = make({ needs: { answer: true } }, () => Response.json({ a: 1 }, { status: 418 }));
  const other = await (await open(fetched)).send();
  assert.deepEqual([other.status, other.json()], [418, { a: 1 }]);
});

test('next is called again, after a wait, with retry', async () => {
  const t = await open(make({ needs: { request: { edit: ['x-attempt'] }, response: {}, retry: true } }, async (_c, req, next) => {
    for (let i = 1; ; i++) {
      req.call.attempt();
      req.headers.set('x-attempt', i);
      const resp = await next(req);
      if (resp.ok || i === 3) return resp;
      resp.drop();
      await req.call.wait(100 * i);
    }
  }));
  let n = 0;
  const out = await t.send({}, () => ({ status: ++n < 3 ? 503 : 200 }));
  assert.deepEqual([out.status, out.waits, out.attempts, out.sends.map((s) => s.headers.get('x-attempt'))], [200, [100, 200], 3, ['1', '2', '3']]);
});

test('a second next without retry is the stage\'s mistake', async () => {
  const t = await open(make({ needs: { response: {} } }, async (_c, req, next) => {
    await next(req);
    return next(req);
  }));
  assert.match((await t.send()).error.message, /its needs have no retry/);
});

test('an error of next is handed on as it is, or made another', async () => {
  const failed = new StageError('network', 'no route', { class: 'not_sent' });
  const upstream = () => {
    throw failed;
  };
  const plain = await open(make({ needs: { response: {} } }, (_c, req, next) => next(req)));
  assert.equal((await plain.send({}, upstream)).error, failed);
  const other = await open(make({ needs: { response: {} } }, async (_c, req, next) => {
    try {
      return await next(req);
    } catch (err) {
      assert.ok(err instanceof NextError && !(err instanceof BodyError));
      throw new StageError('server', 'the partner is away', { class: err.class, cause: err });
    }
  }));
  const { error, panicked } = await other.send({}, upstream);
  assert.deepEqual([error.kind, error.message, error.class, panicked], ['server', 'the partner is away', 'not_sent', false]);
});

test('an exception is an error of kind internal, and its stack is in the log', async () => {
  const t = await open(make({ needs: { response: {} } }, async () => null.x));
  const out = await t.send();
  assert.deepEqual([out.error.kind, out.panicked], ['internal', true]);
  assert.match(out.logs[0].attributes.stack, /testing\.test\.js/);
});

test('a promise of next that nobody awaits ends nothing', async () => {
  const t = await open(make({ needs: { response: {}, answer: true } }, (_c, req, next) => {
    next(req);
    return answer(200);
  }));
  const out = await t.send({}, () => {
    throw new StageError('network', 'away');
  });
  assert.equal(out.status, 200);
});

test('to return nothing says what to return', async () => {
  const t = await open(make({ needs: { response: {} } }, async (_c, req, next) => void (await next(req))));
  assert.match((await t.send()).error.message, /returned nothing: return what next gave/);
});

test('without response needs there is nothing to look at', async () => {
  const t = await open(make({ needs: {} }, async (_c, req, next) => {
    const resp = await next(req);
    return resp.status === 200 ? resp : resp;
  }));
  const out = await t.send({}, () => ({ status: 204 }));
  assert.equal(out.status, 204, 'its part was over');
  await new Promise(setImmediate);
  assert.match(t.logs[0].attributes.did, /ask for response/);
});

test('a credential is attached, skipped and rejected by its name', async () => {
  const t = await open(make({ needs: { response: { body: 'full' }, retry: true, credentials: ['partner'] } }, async (_c, req, next) => {
    req.call.attach('partner', { subject: 'ada' });
    const resp = await next(req);
    if ((await resp.text()) !== 'expired') return resp;
    req.call.reject('partner');
    return next(req);
  }));
  let n = 0;
  const out = await t.send({}, () => ({ body: ++n === 1 ? 'expired' : 'ok' }));
  assert.deepEqual([out.text(), out.rejected, out.sends.map((s) => [s.credential, s.subject])], ['ok', ['partner'], [['partner', 'ada'], ['partner', 'ada']]]);
  const foreign = await open(make({ needs: {} }, (_c, req, next) => {
    req.call.attach('other');
    return next(req);
  }));
  await assert.rejects(foreign.send(), /ask for credentials "other"/);
});

test('the signal aborts when the caller leaves', async () => {
  const asked = new AbortController();
  let reason;
  const t = await open(make({ needs: { response: {} } }, async (_c, req, next) => {
    req.signal.addEventListener('abort', () => (reason = req.signal.reason));
    return next(req);
  }));
  await assert.rejects(t.send({}, () => new Promise(() => asked.abort(new Error('gone'))), { signal: asked.signal }), /gone/);
  assert.equal(reason.kind, 'canceled');
});

test('a config has its defaults, durations and secrets; mistakes have a path and a hint', async () => {
  process.env.NODE_TEST_SECRET = 's3cret';
  const seen = [];
  const def = make({
    config: {
      mode: { type: 'string', enum: ['a', 'b'], default: 'a', doc: 'How.' }, every: duration({ default: '1m30s' }), key: secret({ required: true }),
      rules: { type: 'array', items: { type: 'object', properties: { path: { type: 'string', required: true, pattern: '^/' } } } },
      limits: { type: 'object', properties: { most: { type: 'integer', minimum: 1, default: 3 } } },
    },
  }, (config, req, next) => (seen.push(config), next(req)));
  const t = await open(def, { config: { key: { env: 'NODE_TEST_SECRET' }, rules: [{ path: '/x' }] } });
  await t.send();
  const [config] = seen;
  assert.deepEqual([config.mode, config.every, config.limits, config.key.reveal()], ['a', 90_000, { most: 3 }, 's3cret']);
  assert.equal(`${config.key} ${JSON.stringify(config)}`.includes('s3cret'), false);
  const wrong = await open(def, { config: { mod: 'a', mode: 'c', every: '5', key: 'plain', rules: [{ path: 'x' }, {}], limits: { most: 0 } } }).catch((e) => e);
  assert.ok(wrong instanceof ConfigError);
  assert.deepEqual(wrong.mistakes.map((m) => [m.path, m.hint, m.secret]), [
    ['mod', 'did you mean mode?', false], ['mode', 'one of a, b', false], ['every', 'write it with its unit, as in "1.5s"', false],
    ['key', 'write where the secret is: { env = "NAME" } or { file = "path" }', true], ['rules[0].path', '', false], ['rules[1]', '', false], ['limits.most', '', false],
  ]);
  const missing = await open(def, { config: { key: { env: 'NODE_TEST_NO_SUCH' } } }).catch((e) => e);
  assert.ok(missing instanceof ConfigError);
  assert.match(missing.message, /key: the variable NODE_TEST_NO_SUCH is not set .*env = \["NODE_TEST_NO_SUCH"\]/);
});

test('a stage is told of the end of every call, keeps state, and is closed', async () => {
  const told = [];
  const t = await open(make({
    needs: { calls: true }, open: () => ({ n: 1 }), close: (s) => told.push(['close', s.state.n]), ended: (_c, e, s) => told.push([e.status, e.call.subject, s.state.n]),
  }, (_c, req, next) => next(req)));
  await t.end({ status: 404, subject: 'ada' });
  await t.close();
  assert.deepEqual(told, [[404, 'ada', 1], ['close', 1]]);
});

test('logs have a level and attributes', async () => {
  const t = await open(make({}, (_c, req, next) => {
    req.log.with({ a: 1 }).warn('odd', { b: ['x'], c: { d: true }, at: 2n ** 60n, e: new Error('bad') });
    return next(req);
  }));
  const { logs } = await t.send();
  assert.deepEqual([logs[0].level, logs[0].message, logs[0].attributes.a, logs[0].attributes.b, logs[0].attributes.c], ['warn', 'odd', 1, ['x'], { d: true }]);
  assert.match(logs[0].attributes.e, /Error: bad/);
});

test('an author\'s mistake is named where it is made', () => {
  const run = (_c, req, next) => next(req);
  const wrong = (options, said) => assert.throws(() => make(options, run), said);
  wrong({ needs: { request: { header: ['a'] } } }, /needs\.request: there is no key "header"/);
  wrong({ needs: { request: { edit: ['Content-Length'] } } }, /content-length belongs to the connection/);
  wrong({ needs: { request: { edit: [':url'] } } }, /must see its query/);
  wrong({ needs: { request: { call: ['tenant'] } } }, /none of subject, operation/);
  wrong({ needs: { response: { body: 'stream' } } }, /none of none, digest, full/);
  wrong({ needs: () => ({}) }, /mostNeeds/);
  wrong({ config: { timeout: { type: 'string' } } }, /the host's: take another name/);
  wrong({ config: { a: { type: 'string', format: 'uri' } } }, /"format" can't be checked/);
  wrong({ config: { a: { type: 'integer', default: 'x' } } }, /the default of a: expected an integer/);
  wrong({ ended: () => {} }, /calls: true/);
  assert.throws(() => stage('a b', run), /letters, digits/);
  assert.throws(() => new StageError('oops', 'x'), /there is no such kind/);
});
