// A host that a test scripts, frame by frame.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { eachFrame } from '../src/pipe.js';
import { pb } from '../src/wire/wire.js';

const FIXTURE = fileURLToPath(new URL('fixtures/plugin.js', import.meta.url));
const bytes = (b) => b;

/** start runs the fixture as a host does; the test ends it. */
export async function start(t, { env = {}, args = [] } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'leat-node-'));
  const proc = spawn(process.execPath, [FIXTURE, ...args], {
    env: { LEAT_PLUGIN: 'leat-plugin-v1', PLUGIN_PROTOCOL_VERSIONS: '1', PLUGIN_UNIX_SOCKET_DIR: dir, ...env }, stdio: ['pipe', 'pipe', 'pipe'],
  });
  const p = new Plugin(proc, dir);
  t.after(() => p.stop());
  return p;
}

class Plugin {
  stdout = '';
  stderr = '';
  #client;

  constructor(proc, dir) {
    this.proc = proc;
    this.dir = dir;
    this.ended = once(proc, 'exit');
    proc.stdout.setEncoding('utf8').on('data', (s) => (this.stdout += s));
    proc.stderr.setEncoding('utf8').on('data', (s) => (this.stderr += s));
    proc.stdin.on('error', () => {});
  }

  /** line waits for the handshake. */
  async line() {
    while (!this.stdout.includes('\n')) {
      await Promise.race([once(this.proc.stdout, 'data'), this.ended.then(() => { throw new Error(`it ended: ${this.stderr}`); })]);
    }
    return this.stdout.split('\n')[0];
  }

  async said(text) {
    while (!this.stderr.includes(text)) await once(this.proc.stderr, 'data');
  }

  async client(credentials = grpc.credentials.createInsecure(), options = {}) {
    if (!this.#client) {
      const socket = (await this.line()).split('|')[3];
      this.#client = new grpc.Client(`unix:${socket}`, credentials, options);
    }
    return this.#client;
  }

  async unary(path, message, Response = undefined) {
    const client = await this.client();
    const out = await new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, bytes, bytes, Buffer.from(message), (err, b) => (err ? reject(err) : resolve(b)));
    });
    return Response ? Response.decode(out) : out;
  }

  describe() {
    return this.unary('/leat.plugin.v1.Plugin/Describe', pb.DescribeRequest.encode({}).finish(), pb.DescribeResponse);
  }

  check(type, config) {
    return this.unary('/leat.plugin.v1.Plugin/Check', pb.CheckRequest.encode({ type, config: Buffer.from(JSON.stringify(config)) }).finish(), pb.CheckResponse);
  }

  async upload(exchange, data) {
    const client = await this.client();
    return new Promise((resolve, reject) => {
      const call = client.makeClientStreamRequest('/leat.plugin.v1.Plugin/Upload', (m) => pb.Chunk.encode(m).finish(), bytes, (err) => (err ? reject(err) : resolve()));
      for (let at = 0; at < data.length; at += 32_000) call.write({ ...(at === 0 ? { exchange, length: data.length } : {}), data: data.subarray(at, at + 32_000) });
      call.end();
    });
  }

  async download(exchange) {
    const client = await this.client();
    const chunks = [];
    const call = client.makeServerStreamRequest('/leat.plugin.v1.Plugin/Download', (m) => pb.DownloadRequest.encode(m).finish(), (b) => pb.Chunk.decode(b), { exchange });
    for await (const c of call) {
      if (c.data.length > 32 << 10) throw new Error(`a chunk of ${c.data.length} bytes`);
      chunks.push(c.data);
    }
    return Buffer.concat(chunks);
  }

  async session() {
    const client = await this.client();
    return new Wire(client.makeBidiStreamRequest('/leat.plugin.v1.Plugin/Session', bytes, bytes));
  }

  async stop() {
    this.#client?.close();
    if (this.proc.exitCode === null && this.proc.signalCode === null) this.proc.kill('SIGKILL');
    await this.ended;
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A session's stream. */
class Wire {
  batches = []; // how many frames came together
  #frames = [];
  #wake;
  #over;

  constructor(call) {
    this.call = call;
    call.on('data', (b) => {
      const before = this.#frames.length;
      eachFrame(b, (f) => this.#frames.push(f));
      this.batches.push(this.#frames.length - before);
      this.#wake?.();
    });
    call.on('error', (err) => this.#end(err));
    call.on('end', () => this.#end(new Error('the stream ended')));
  }

  #end(err) {
    this.#over ??= err;
    this.#wake?.();
  }

  send(...frames) {
    this.call.write(pb.Batch.encode({ frames }).finish());
  }

  /** recv waits for the next frame, of that exchange where one is named. */
  async recv(exchange) {
    for (;;) {
      const i = exchange === undefined ? 0 : this.#frames.findIndex((f) => f.exchange.toString() === String(exchange));
      if (i >= 0 && i < this.#frames.length) return this.#frames.splice(i, 1)[0];
      if (this.#over) throw this.#over;
      await new Promise((resolve) => (this.#wake = resolve));
    }
  }

  async open(type, config = {}, { instance = 1, exchange = 1_000_000 + instance, ...rest } = {}) {
    this.send({ exchange, open: { instance, type, config: Buffer.from(JSON.stringify(config)), pipeline: 'p', stage: 's', ...rest } });
    return (await this.recv(exchange)).opened;
  }

  /** do begins an exchange of the stage act. */
  do(exchange, what, extra = {}, request = {}) {
    this.send({ exchange, do: { instance: 1, request: { method: 'GET', url: 'https://a.test/x', headers: what ? [{ name: 'x-do', value: Buffer.from(what) }] : [], ...request }, ...extra } });
  }

  result(exchange, response = { status: 200 }, extra = {}) {
    this.send({ exchange, result: { response, replayable: true, ...extra } });
  }

  end() {
    this.call.end();
  }
}

/** scratch returns the path of a socket that nobody has. */
export const scratch = (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'leat-node-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'dev.sock');
};
