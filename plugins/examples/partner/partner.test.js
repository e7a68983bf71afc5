import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { StageError } from '@leatdev/plugin';
import { ConfigError, open } from '@leatdev/plugin/testing';
import { token } from './token.js';
import { partner } from './upstream.js';

const json = (value) => ({ headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) });
const EXPIRED = json({ state: 'error', code: 'E-4711', text: 'token expired' });

test('the ticket is attached by its name, for the subject of the call or of the rule', async () => {
  const t = await open(token, { config: { rules: [{ path: '/shared/', subject: 'house' }] } });
  const ask = async (path) => (await t.send({ url: `https://p.test${path}`, subject: 'ada' }, () => json({ state: 'ok' }))).sends.map((s) => [s.credential, s.subject]);
  assert.deepEqual(await ask('/orders/1'), [['partner', 'ada']]);
  assert.deepEqual(await ask('/shared/1'), [['partner', 'house']]);
});

test('a rule lets requests go without one', async () => {
  const t = await open(token, { config: { rules: [{ path: '/public/', attach: false }] } });
  const out = await t.send({ url: 'https://p.test/public/x' });
  assert.deepEqual([out.sends[0].credential, out.sends[0].skipped], [undefined, 'exempt']);
});

test('an answer of status 200 that says "expired" has a new ticket fetched, once', async () => {
  const t = await open(token);
  let n = 0;
  const out = await t.send({}, () => (++n === 1 ? EXPIRED : json({ state: 'ok' })));
  assert.deepEqual([out.json(), out.rejected, out.sends.length], [{ state: 'ok' }, ['partner'], 2]);
  const never = await t.send({}, () => EXPIRED);
  assert.deepEqual([never.error.kind, never.sends.length], ['unauthorized', 2]);
});

test('other answers pass as they are', async () => {
  const t = await open(token);
  for (const answer of [
    json({ state: 'error', code: 'E-1' }), { ...json(0), body: 'no JSON' }, { status: 500, ...EXPIRED }, { body: 'E-4711' },
    { headers: { 'content-type': 'application/json' }, body: `"${'x'.repeat(100_000)}"` }, json(null),
  ]) {
    const out = await t.send({}, () => answer);
    assert.deepEqual([out.error, out.text(), out.sends.length], [undefined, answer.body, 1]);
  }
});

test('an error of the way there is not touched', async () => {
  const failed = new StageError('network', 'no route');
  const t = await open(token);
  const out = await t.send({}, () => {
    throw failed;
  });
  assert.equal(out.error, failed);
});

test('a wrong rule is a mistake with its place', async () => {
  const wrong = await open(token, { config: { rules: [{ path: 'orders' }] } }).catch((err) => err);
  assert.ok(wrong instanceof ConfigError);
  assert.equal(wrong.mistakes[0].path, 'rules[0].path');
});

test('partner.js token prints a ticket as JSON, and says what lacks', { timeout: 60_000 }, async (t) => {
  const { server, count } = partner();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const run = async (env) => {
    const p = spawn(process.execPath, [fileURLToPath(new URL('partner.js', import.meta.url)), 'token'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    p.stdout.on('data', (s) => (out += s));
    p.stderr.on('data', (s) => (err += s));
    const [code] = await once(p, 'close');
    return { code, out, err };
  };
  const env = { PARTNER_KEY: 'demo-key', PARTNER_APP: 'demo', PARTNER_URL: `http://127.0.0.1:${server.address().port}` };
  const { access_token: ticket, expires_in: seconds } = JSON.parse((await run(env)).out);
  assert.deepEqual([typeof ticket, seconds, count.sessions], ['string', 300, 1]);
  const refused = await run({ ...env, PARTNER_KEY: 'another' });
  assert.deepEqual([refused.code, refused.out, refused.err], [1, '', 'partner: the partner gave no ticket: E-1000\n']);
  assert.match((await run({ PARTNER_APP: 'demo' })).err, /PARTNER_KEY not set/);
});
