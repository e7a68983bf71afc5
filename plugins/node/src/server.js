// The services of a plugin, over gRPC.
import grpc from '@grpc/grpc-js';
import { Bodies } from './bodies.js';
import { Session } from './session.js';
import { toWire as needsTo } from './needs.js';
import { messageOf } from './thrown.js';
import { MAX_MESSAGE, SDK, pb } from './wire/wire.js';

const bytes = (b) => b;
const method = (path, request, response, extra = {}) => ({
  path, requestStream: false, responseStream: false, requestSerialize: bytes, requestDeserialize: request, responseSerialize: response, responseDeserialize: bytes, ...extra,
});
const decoder = (Type) => (b) => Type.decode(b);
const encoder = (Type) => (m) => Type.encode(m).finish();

const PLUGIN = {
  describe: method('/leat.plugin.v1.Plugin/Describe', decoder(pb.DescribeRequest), encoder(pb.DescribeResponse)),
  check: method('/leat.plugin.v1.Plugin/Check', decoder(pb.CheckRequest), encoder(pb.CheckResponse)),
  session: method('/leat.plugin.v1.Plugin/Session', bytes, bytes, { requestStream: true, responseStream: true }),
  upload: method('/leat.plugin.v1.Plugin/Upload', decoder(pb.Chunk), encoder(pb.UploadResponse), { requestStream: true }),
  download: method('/leat.plugin.v1.Plugin/Download', decoder(pb.DownloadRequest), encoder(pb.Chunk), { responseStream: true }),
};

// grpc.health.v1, by hand: a service's name in field 1, and the status SERVING, 1, in field 1.
const HEALTH = { check: method('/grpc.health.v1.Health/Check', (b) => (b.length > 2 ? b.subarray(2).toString() : ''), bytes) };
const SERVING = Buffer.from([0x08, 0x01]);

const FLUSH = 50; // milliseconds
const CONTROLLER = { shutdown: method('/plugin.GRPCController/Shutdown', bytes, bytes) };

/** A plugin's server. */
export class Server {
  bodies = new Bodies();
  #sessions = new Set();
  #definitions;
  #draining = false;
  #idle;

  /** @param {{name: string, version: string, definitions: import('./stage.js').Definition[]}} options */
  constructor({ name, version, definitions }) {
    this.name = name;
    this.version = version;
    this.#definitions = definitions;
  }

  definition(type) {
    return this.#definitions.find((d) => d.type === type);
  }

  describe() {
    return {
      name: this.name, version: this.version, sdk: SDK,
      types: this.#definitions.map((d) => ({ name: d.type, doc: d.doc, schema: Buffer.from(JSON.stringify(d.schema)), needs: needsTo(d.most) })),
    };
  }

  /** listen serves on a Unix socket. shutdown is called once the host has asked for the end and was answered. */
  async listen(path, { credentials = grpc.ServerCredentials.createInsecure(), shutdown = () => {} } = {}) {
    const server = new grpc.Server({
      'grpc.max_receive_message_length': MAX_MESSAGE, 'grpc.max_send_message_length': MAX_MESSAGE, 'grpc-node.flow_control_window': 4 << 20,
    });
    server.addService(PLUGIN, {
      describe: (_call, answer) => answer(null, this.describe()),
      check: (call, answer) => this.#check(call.request, answer),
      session: (call) => this.#session(call),
      upload: (call, answer) => this.bodies.upload(call, answer),
      download: (call) => this.bodies.download(call),
    });
    server.addService(HEALTH, {
      check: (call, answer) => {
        if (call.request === '' || call.request === 'plugin') answer(null, SERVING);
        else answer({ code: grpc.status.NOT_FOUND, details: `there is no service ${JSON.stringify(call.request)}` });
      },
    });
    server.addService(CONTROLLER, {
      shutdown: (_call, answer) => {
        answer(null, Buffer.alloc(0));
        setTimeout(shutdown, FLUSH); // gRPC does not say when the answer was written, and Node 18 drops it with the connection
      },
    });
    await new Promise((resolve, reject) => server.bindAsync(`unix:${path}`, credentials, (err) => (err ? reject(err) : resolve())));
    return server;
  }

  #check(request, answer) {
    const d = this.definition(request.type);
    if (!d) {
      answer({ code: grpc.status.NOT_FOUND, details: `there is no type ${JSON.stringify(request.type)}` });
      return;
    }
    const { mistakes, needs } = d.judge(request.config);
    answer(null, mistakes.length > 0 ? { mistakes } : { needs: needsTo(needs) });
  }

  #session(call) {
    const session = new Session(this, call);
    this.#sessions.add(session);
    if (this.#draining) session.drain();
    const over = () => session.end().finally(() => {
      if (!this.#sessions.delete(session)) return;
      if (!call.cancelled) call.end();
      this.#settle();
    });
    call.on('data', (batch) => {
      try {
        session.receive(batch);
      } catch (err) {
        call.emit('error', { code: grpc.status.INVALID_ARGUMENT, details: `a frame that can't be read: ${err.message}` });
        over();
      }
    });
    call.on('end', over);
    call.on('cancelled', over);
    call.on('error', over);
  }

  /** drain tells the hosts to begin nothing new; the promise is kept once all of them have left. */
  drain() {
    this.#draining = true;
    this.#idle ??= new Promise((resolve) => (this.idle = resolve));
    for (const s of this.#sessions) s.drain();
    this.#settle();
    return this.#idle;
  }

  #settle() {
    if (this.#draining && this.#sessions.size === 0) this.idle();
  }
}
