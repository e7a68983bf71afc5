// The rules of the protocol that a plugin must keep, over a real socket. The names are those of docs/plugins.md.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import test from 'node:test';
import Long from 'long';
import { Exchange } from '../src/exchange.js';
import { pb } from '../src/wire/wire.js';
import { start } from './host.js';

const opts = { timeout: 60_000 };
const act = async (t, what, extra, request) => {
  const p = await start(t);
  const s = await p.session();
  await s.open('act');
  if (what !== undefined) s.do(1, what, extra, request);
  return [s, p];
};

test('wire.describe, wire.check', opts, async (t) => {
  const p = await start(t);
  const d = await p.describe();
  assert.deepEqual([d.name, d.version, d.sdk, d.types.map((x) => x.name)], ['fixture', '1.2.3', 'node 0.1.0', ['greet', 'pass', 'configured', 'after', 'act']]);
  const schema = JSON.parse(Buffer.from(d.types[2].schema).toString());
  assert.deepEqual([schema.$schema, schema.additionalProperties, schema.required, schema.properties.key.writeOnly, schema.properties.every.default], [
    'https://json-schema.org/draft/2020-12/schema', false, ['key'], true, '5s',
  ]);
  assert.deepEqual([d.types[0].needs.request.edit, d.types[0].needs.response, d.types[1].needs.response.body], [['x-greeting', ':method'], null, 2]);
  const wrong = await p.check('configured', { every: 5 });
  assert.deepEqual(wrong.mistakes.map((m) => [m.path, m.message]), [['every', 'expected a string, found an integer'], ['', 'key is missing']]);
  const good = await p.check('configured', { key: { env: 'NO_SUCH' }, every: '10s' });
  assert.deepEqual([good.mistakes, good.needs.request.edit], [[], ['x-slow']]);
  await assert.rejects(p.check('nope', {}), { code: 5 });
});

test('wire.health', opts, async (t) => {
  const p = await start(t);
  const ask = (service) => p.unary('/grpc.health.v1.Health/Check', Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]));
  assert.deepEqual([...(await ask('plugin'))], [8, 1]);
  await assert.rejects(ask('other'), { code: 5 });
});

test('wire.open, wire.close: a stage is made, and closed when its exchanges are over', opts, async (t) => {
  const [s] = await act(t);
  assert.equal((await s.open('act', {}, { instance: 1, exchange: 7 })).failure, 'instance 1 is open already');
  assert.equal((await s.open('nope', {}, { instance: 2, exchange: 8 })).mistakes[0].message, 'there is no type "nope"');
  const { mistakes, failure } = await s.open('configured', { key: { env: 'NO_SUCH' } }, { instance: 3, exchange: 9 });
  assert.deepEqual([mistakes[0].path, /NO_SUCH is not set/.test(mistakes[0].message), mistakes[0].hint.includes('env = ["NO_SUCH"]'), failure], ['key', true, true, '']);
  assert.match((await s.open('pass', {}, { instance: 4, exchange: 10, granted: { request: { headers: ['*'] } } })).failure, /grants\.response/);
  s.do(1, 'none');
  assert.ok((await s.recv()).next);
  s.send({ exchange: 2, close: { instance: 1 } });
  s.do(3, 'none');
  assert.match((await s.recv()).return.error.message, /instance 1 is not open/);
  s.result(1);
  assert.ok((await s.recv()).return);
  const closed = await s.recv(2);
  assert.equal(closed.closed.failure, '');
  s.send({ exchange: 4, close: { instance: 3 } });
  assert.match((await s.recv(4)).closed.failure, /not open/);
});

test('wire.numbers: all 64 bits', opts, async (t) => {
  const [s] = await act(t);
  for (const id of ['18446744073709551615', '9007199254740993', '9007199254740992', '4294967296']) {
    s.do(Long.fromString(id, true), 'none');
  }
  const got = [];
  for (let i = 0; i < 4; i++) got.push((await s.recv()).exchange.toString());
  assert.deepEqual(got.sort(), ['18446744073709551615', '4294967296', '9007199254740992', '9007199254740993']);
});

test('wire.do: no exchange waits for another, and frames that are ready together share a batch', opts, async (t) => {
  const [s] = await act(t);
  const one = (exchange) => ({ exchange, do: { instance: 1, request: { method: 'GET', url: 'https://a.test/' } } });
  s.batches.length = 0;
  s.send(...Array.from({ length: 20 }, (_, i) => one(i + 1)));
  for (let i = 0; i < 20; i++) assert.ok((await s.recv()).next);
  assert.deepEqual(s.batches, [20]);
  s.result(20);
  assert.ok((await s.recv(20)).return);
});

test('wire.next: edits are against the request of Do, each time; wire.drop; wire.changes', opts, async (t) => {
  const [s] = await act(t, 'twice');
  const first = await s.recv();
  assert.deepEqual(first.next.edits.headers.map((h) => [h.name, h.values.map(String)]), [['x-n', ['1']]]);
  assert.equal(first.next.changes.attempts, 1);
  s.result(1, { status: 503 });
  assert.ok((await s.recv()).drop);
  const second = await s.recv();
  assert.equal(second.next.edits, null);
  assert.deepEqual([second.next.changes.attach.credential, second.next.changes.attach.subject, second.next.changes.events[0].name], ['one', 'ada', 'again']);
  s.result(1);
  const { return: r } = await s.recv();
  assert.deepEqual([r.edits, r.response, r.error], [null, null, null]);
});

test('wire.last: a stage without response needs is done with Next', opts, async (t) => {
  const p = await start(t);
  const s = await p.session();
  await s.open('greet');
  s.do(5, undefined, {}, { headers: [{ name: 'x-name', value: Buffer.from('ada') }] });
  const { next } = await s.recv(5);
  assert.deepEqual([next.last, next.edits.headers.map((h) => String(h.values[0]))], [true, ['hello ada']]);
  s.do(5, undefined); // the number may come again at once
  assert.ok((await s.recv(5)).next.last);
});

test('wire.response_only: Do with the result', opts, async (t) => {
  const p = await start(t);
  const s = await p.session();
  await s.open('after');
  s.do(1, undefined, { result: { response: { status: 200 } } });
  assert.equal((await s.recv()).return.edits.status, 202);
});

test('wire.return: a response of its own', opts, async (t) => {
  const [s] = await act(t, 'answer');
  const { response } = (await s.recv()).return;
  assert.deepEqual([response.status, response.headers.map((h) => [h.name, String(h.value)]), String(response.body.data)], [418, [['x-a', '1'], ['x-a', '2']], 'tea']);
});

test('wire.error: kind and class; of_result', opts, async (t) => {
  const [s] = await act(t, 'reject');
  const { error } = (await s.recv()).return;
  assert.deepEqual([error.kind, error.class, error.reason, error.message, error.stage, error.ofResult, error.panic, error.retryAfter.toNumber()], [
    'client', 'refused', 'odd', 'not like this', 's', false, false, 1.5e9,
  ]);
  s.do(2, 'none');
  await s.recv();
  s.send({ exchange: 2, result: { error: { kind: 'network', class: 'not_sent', message: 'no route' } } });
  const other = (await s.recv()).return.error;
  assert.deepEqual([other.kind, other.class, other.message, other.ofResult], ['network', 'not_sent', 'no route', true]);
});

test('wire.wait', opts, async (t) => {
  const [s] = await act(t, 'wait');
  assert.equal((await s.recv()).wait.duration.toNumber(), 250e6);
  s.send({ exchange: 1, awake: {} });
  assert.ok((await s.recv()).next);
});

test('wire.left: the stage hears of it, and Return is sent', opts, async (t) => {
  const [s] = await act(t, 'left');
  await s.recv();
  s.send({ exchange: 1, result: { error: { kind: 'timeout', message: 'over' }, ended: 'deadline' } });
  const { error } = (await s.recv()).return;
  assert.deepEqual([error.kind, error.reason], ['timeout', 'deadline']);
  s.do(2, 'wait');
  await s.recv();
  s.send({ exchange: 2, awake: { ended: 'canceled' } });
  assert.equal((await s.recv()).return.error.kind, 'canceled');
});

test('wire.read: once, however often the stage reads; wire.bytes', opts, async (t) => {
  const [s] = await act(t, 'read');
  await s.recv();
  s.result(1, { status: 200, length: -1 });
  assert.ok((await s.recv()).read);
  s.send({ exchange: 1, body: { data: Buffer.from('abc'), length: 3 } });
  assert.equal(String((await s.recv()).return.edits.headers[0].values[0]), '6');
  s.do(2, 'read');
  await s.recv();
  s.result(2, { status: 200, length: -1 });
  await s.recv();
  s.send({ exchange: 2, body: { data: Buffer.from('ab'), length: 2, error: { kind: 'network', message: 'broke off' } } });
  const { error } = (await s.recv()).return;
  assert.deepEqual([error.kind, error.message, error.ofBody], ['network', 'broke off', true]);
});

test('wire.cancel: nothing more is sent, and a late answer is passed over', opts, async (t) => {
  const [s] = await act(t, 'left');
  await s.recv();
  s.send({ exchange: 1, cancel: {} });
  s.result(1);
  s.do(2, 'answer');
  const frame = await s.recv();
  assert.equal(frame.exchange.toNumber(), 2);
});

test('wire.panic: the process goes on', opts, async (t) => {
  const [s] = await act(t, 'throw');
  const log = await s.recv();
  assert.match(log.log.attributes[1].text, /plugin\.js/);
  const { error } = (await s.recv()).return;
  assert.deepEqual([error.kind, error.panic, error.message], ['internal', true, 'panic: TypeError: no such thing']);
  s.do(2, 'answer');
  assert.ok((await s.recv()).return.response);
});

test('wire.log, wire.span', opts, async (t) => {
  const [s] = await act(t, 'log', { logLevel: 4 });
  const { log, exchange } = await s.recv();
  assert.deepEqual([log.level, log.message, log.attributes[0].integer.toNumber(), exchange.toNumber()], [4, 'wanted', 1, 1]);
  assert.ok((await s.recv()).next);
  s.do(2, 'span', { recording: true, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' });
  await s.recv(2);
  s.result(2);
  const r = (await s.recv(2)).return;
  assert.deepEqual([r.span.attributes[0].key, r.spans.length, r.spans[0].name, r.spans[0].kind, r.spans[0].data.events[0].name], ['a', 1, 'child', 'client', 'exception']);
  assert.ok(r.spans[0].end.greaterThanOrEqual(r.spans[0].start));
});

test('wire.inline, wire.apart: long bodies go by Upload, which may come first, and Download', opts, async (t) => {
  const [s, p] = await act(t);
  const data = Buffer.alloc(300_000, 'q');
  const up = p.upload(1, data);
  s.do(1, 'echo', {}, { length: data.length, body: { apart: true, length: data.length } });
  const { response } = (await s.recv()).return;
  await up;
  assert.deepEqual([response.body.apart, response.body.length.toNumber(), response.body.data.length], [true, 300_000, 0]);
  assert.ok((await p.download(1)).equals(data));
  await assert.rejects(p.download(1), { code: 5 }, 'it is fetched once');
});

test('wire.limits: what does not fit into a frame ends the exchange alone', opts, async (t) => {
  const [s] = await act(t, 'huge-frame');
  assert.match((await s.recv()).return.error.message, /does not fit into a frame/);
  s.do(2, 'answer');
  assert.ok((await s.recv()).return.response);
});

test('wire.limits: a batch that can\'t be read ends the session', opts, async (t) => {
  const [s] = await act(t);
  s.call.write(Buffer.from([0x0a, 0x7f, 0x01]));
  await assert.rejects(s.recv(), /can't be read/);
});

test('wire.unknown: a field is passed over, a kind of frame ends its exchange', opts, async (t) => {
  const [s] = await act(t, 'left');
  await s.recv();
  const frame = Buffer.concat([Buffer.from(pb.Frame.encode({ exchange: 1 }).finish()), Buffer.from([0xa2, 0x06, 0x00])]); // field 100
  s.call.write(Buffer.concat([Buffer.from([0x0a, frame.length]), frame]));
  assert.match((await s.recv()).return.error.message, /does not know/);
  const known = Buffer.concat([Buffer.from(pb.Frame.encode({ exchange: 2, do: { instance: 1, request: { method: 'GET', url: 'https://a.test/' } } }).finish()), Buffer.from([0xa2, 0x06, 0x00])]);
  s.call.write(Buffer.concat([Buffer.from([0x0a, known.length]), known]));
  assert.ok((await s.recv(2)).next);
});

test('a session that ends takes its stages along, and leaves others alone', opts, async (t) => {
  const [s, p] = await act(t, 'left');
  await s.recv();
  const other = await p.session();
  assert.equal((await other.open('act')).failure, '', 'instances are numbered by session');
  s.end();
  await assert.rejects(s.recv(), /the stream ended/);
  other.do(2, 'answer');
  assert.ok((await other.recv()).return.response);
  assert.ok(existsSync(p.dir));
});

test('a host that reads late gets everything', opts, async (t) => {
  const [s, plugin] = await act(t);
  s.call.pause();
  for (let i = 1; i <= 300; i++) s.do(i, 'long-answer');
  const other = await plugin.session();
  await other.open('act');
  other.do(1, 'answer');
  assert.ok((await other.recv(1)).return.response, 'other sessions go on');
  s.call.resume();
  let size = 0;
  for (let i = 1; i <= 300; i++) size += (await s.recv(i)).return.response.body.data.length;
  assert.equal(size, 300 * 60_000);
});

test('a host that never reads loses its session, and not the process its memory', opts, async (t) => {
  const [s, plugin] = await act(t);
  s.call.pause();
  for (let i = 1; i <= 1200; i++) s.do(i, 'long-answer');
  await plugin.said('the host does not read');
  const other = await plugin.session();
  await other.open('act');
  other.do(1, 'answer');
  assert.ok((await other.recv(1)).return.response);
});

test('the signal does not tell of a deadline before it has passed', opts, async (t) => {
  const busy = setInterval(() => {}, 1000); // the signal's own timer keeps no process alive
  t.after(() => clearInterval(busy));
  for (let i = 0; i < 40; i++) {
    const x = Object.assign(Object.create(Exchange.prototype), { w: { deadline: Long.fromNumber(3.9e6) }, began: performance.now() });
    await new Promise((resolve) => { x.signal.addEventListener('abort', resolve); });
    assert.ok(performance.now() - x.began >= 3.9);
  }
});
