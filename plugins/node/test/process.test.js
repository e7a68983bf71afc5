// How the process of a plugin begins, what it protects, and how it ends.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import net from 'node:net';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { certificate } from '../src/certificate.js';
import { scratch, start } from './host.js';

const opts = { timeout: 60_000 };
const fromHand = { LEAT_PLUGIN: '', PLUGIN_PROTOCOL_VERSIONS: '' };

test('wire.handshake, wire.stdout: one line, once it serves, and nothing else', opts, async (t) => {
  const p = await start(t);
  const line = await p.line();
  assert.match(line, new RegExp(`^1\\|1\\|unix\\|${p.dir}/[^|]+\\|grpc\\|$`));
  const s = await p.session();
  await s.open('act');
  s.do(1, 'print');
  await s.recv();
  await p.said('printed by a stage');
  assert.equal(p.stdout, `${line}\n`);
  for (const text of ['printed before serve', 'written before serve']) assert.ok(p.stderr.includes(text), text);
});

test('wire.version: a host that speaks another is told ours', opts, async (t) => {
  const p = await start(t, { env: { PLUGIN_PROTOCOL_VERSIONS: '7,8' } });
  assert.match(await p.line(), /^1\|1\|/);
});

test('wire.handshake with TLS: each side trusts the certificate of the other alone', opts, async (t) => {
  const own = certificate();
  const p = await start(t, { env: { PLUGIN_CLIENT_CERT: own.pem } });
  const field = (await p.line()).split('|')[5];
  assert.doesNotMatch(field, /=/);
  const theirs = new X509Certificate(Buffer.from(field, 'base64'));
  assert.ok(theirs.checkHost('localhost') && theirs.verify(theirs.publicKey));
  const stranger = certificate();
  const options = { 'grpc.ssl_target_name_override': 'localhost' };
  const connect = (c) => new grpc.Client(`unix:${readSocket(p)}`, grpc.credentials.createSsl(Buffer.from(theirs.toString()), Buffer.from(c.key), Buffer.from(c.pem)), options);
  const ready = (c) => new Promise((done) => c.waitForReady(Date.now() + 2_000, (err) => done(!err)));
  const [good, bad] = [connect(own), connect(stranger)];
  t.after(() => [good, bad].forEach((c) => c.close()));
  assert.equal(await ready(good), true);
  const ask = (c) => new Promise((done) => {
    c.makeUnaryRequest('/leat.plugin.v1.Plugin/Describe', (b) => b, (b) => b, Buffer.alloc(0), { deadline: Date.now() + 10_000 }, (err) => done(err ? err.code : 0));
  });
  assert.equal(await ask(good), 0);
  assert.equal(await ask(bad), grpc.status.UNAVAILABLE);
});

const readSocket = (p) => p.stdout.split('|')[3];

test('wire.lifeline: it ends with standard input, and leaves no folder', opts, async (t) => {
  const p = await start(t);
  await p.line();
  p.proc.stdin.end();
  assert.deepEqual(await p.ended, [0, null]);
  assert.equal(existsSync(p.dir), false);
});

test('wire.shutdown: it answers, then it ends', opts, async (t) => {
  const p = await start(t);
  await p.unary('/plugin.GRPCController/Shutdown', Buffer.alloc(0));
  assert.deepEqual(await p.ended, [0, null]);
});

test('wire.lifeline: SIGINT is not for it', opts, async (t) => {
  const p = await start(t);
  const s = await p.session();
  p.proc.kill('SIGINT');
  await s.open('act');
  s.do(1, 'answer');
  assert.ok((await s.recv()).return.response);
});

test('wire.draining: SIGTERM has what is under way finish', opts, async (t) => {
  const p = await start(t);
  const s = await p.session();
  await s.open('act');
  s.do(1, 'none');
  await s.recv();
  p.proc.kill('SIGTERM');
  assert.ok((await s.recv()).draining);
  s.result(1);
  assert.ok((await s.recv()).return);
  s.end();
  assert.deepEqual(await p.ended, [0, null]);
});

for (const [what, said] of [['crash', 'out of the blue'], ['leak', 'nobody catches me']]) {
  test(`what nothing catches ends the process, with one record: ${what}`, opts, async (t) => {
    const p = await start(t);
    const s = await p.session();
    await s.open('act');
    s.do(1, what);
    assert.deepEqual(await p.ended, [1, null]);
    const record = JSON.parse(p.stderr.split('\n').find((l) => l.includes(said)));
    assert.equal(record.level, 'ERROR');
    assert.ok(record.msg.startsWith(`Error: ${said} (`));
    assert.match(record.stack, /plugin\.js/);
  });
}

test('wire.dev: it serves on the socket that it is told, without a handshake', opts, async (t) => {
  const socket = scratch(t);
  const env = { ...fromHand, LEAT_PLUGIN_DEV: socket };
  const p = await start(t, { env });
  await p.said(`fixture: waiting for leat at ${socket}\n`);
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  p.proc.stdin.end(); // which it does not watch
  const one = await connectTo(socket);
  const two = await connectTo(socket);
  t.after(() => [one, two].forEach((c) => c.destroy()));
  const second = await start(t, { env });
  assert.deepEqual((await second.ended)[0], 70);
  assert.match(second.stderr, /another process serves there/);
  p.proc.kill('SIGINT');
  assert.deepEqual(await p.ended, [0, null]);
  assert.equal(existsSync(socket), false);
});

test('wire.dev: a stale socket is removed, a file is not', opts, async (t) => {
  const socket = scratch(t);
  const first = await start(t, { env: { ...fromHand, LEAT_PLUGIN_DEV: socket } });
  await first.said('waiting for leat');
  first.proc.kill('SIGKILL');
  await first.ended;
  assert.ok(existsSync(socket));
  const next = await start(t, { env: { ...fromHand, LEAT_PLUGIN_DEV: socket } });
  await next.said('waiting for leat');
  const file = scratch(t);
  writeFileSync(file, 'mine');
  const refused = await start(t, { env: { ...fromHand, LEAT_PLUGIN_DEV: file } });
  await refused.ended;
  assert.match(refused.stderr, /a file that is no socket/);
  assert.deepEqual(readdirSync(file.replace(/\/dev\.sock$/, '')), ['dev.sock']);
});

async function connectTo(socket) {
  const c = net.connect(socket);
  await once(c, 'connect');
  return c;
}

test('the stage of the README runs', opts, (t) => {
  const here = (path) => fileURLToPath(new URL(path, import.meta.url));
  const [, code] = /```js\n\/\/ tenant\.js\n([^]*?)```/.exec(readFileSync(here('../README.md'), 'utf8'));
  const file = scratch(t).replace('dev.sock', 'tenant.mjs');
  writeFileSync(file, code.replace("'@leatdev/plugin'", JSON.stringify(here('../src/index.js'))));
  const d = JSON.parse(execFileSync(process.execPath, [file, 'describe'], { encoding: 'utf8' }));
  assert.deepEqual([d.name, d.types[0].name, d.types[0].needs], ['tenant', 'tenant', { request: { edit: ['x-tenant'], call: ['subject'] } }]);
});

test('run by hand it says what it is', opts, async (t) => {
  const say = async (...args) => {
    const p = await start(t, { env: fromHand, args });
    const [code] = await p.ended;
    return [code, p.stdout.replace(/^(printed|written) before serve\n/gm, ''), p.stderr];
  };
  const [code, out] = await say();
  assert.equal(code, 0);
  for (const text of ['fixture 1.2.3 is a plugin for leat', '[plugins.fixture]', 'use = "fixture/greet"', 'greet       Greets.']) assert.ok(out.includes(text), text);
  const d = JSON.parse((await say('describe'))[1]);
  assert.deepEqual([d.name, d.protocol, d.types[2].defaults, d.types[4].needs.credentials], ['fixture', 1, { every: '5s' }, ['one']]);
  assert.equal((await say('--version'))[1], 'fixture 1.2.3, leat node 0.1.0\n');
  const [bad, , err] = await say('serve');
  assert.deepEqual([bad, err.includes('unknown argument "serve"')], [2, true]);
});
