// The process of a plugin: how it begins, what it protects, and how it ends.
import { chmodSync, existsSync, fstatSync, lstatSync, readdirSync, rmSync, rmdirSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import grpc from '@grpc/grpc-js';
import { byHand, versionOf } from './byhand.js';
import { certificate } from './certificate.js';
import { stderrLine } from './log.js';
import { Server } from './server.js';
import { definitions } from './stage.js';
import { chain, is, messageOf, nameOf, stackOf } from './thrown.js';
import { COOKIE, PROTOCOL } from './wire/wire.js';

const DRAIN = 10_000; // how long a plugin that was told to end waits for its hosts to leave
const PARTING = 2_000; // likewise, under development
const SOCKETS = 'PLUGIN_UNIX_SOCKET_DIR';
const INTERNAL = 70; // EX_SOFTWARE of sysexits.h

const started = process.env[COOKIE.key] === COOKIE.value;
const dev = started ? '' : process.env.LEAT_PLUGIN_DEV ?? '';

// As the module is loaded: what a program prints before it calls serve would break the handshake, too, a Ctrl-C reaches it at once, and what it throws
// as it begins is what its author must see first.
if (started) {
  process.stdout.write = process.stderr.write.bind(process.stderr);
  process.on('SIGINT', () => {});
  watchFailures();
}

/** serve serves the stages that stage was called for, to the host that has started the program. Run by hand it says what the program is. */
export function serve(options = {}) {
  const path = resolve(process.argv[1] ?? '.');
  const program = {
    name: options.name ?? basename(path).replace(/\.[cm]?[jt]s$/, ''), version: options.version ?? versionOf(path), path, definitions: definitions(),
  };
  if (program.definitions.length === 0) throw new TypeError('serve: there is no stage: call stage(type, options, function) before it');
  if (!started && !dev) {
    setImmediate(() => { // once all modules are there: a test imports the program, too
      if (!globalThis[Symbol.for('@leatdev/plugin testing')]) process.exitCode = byHand(program, process.argv.slice(2));
    });
    return;
  }
  const run = dev ? serveDev : serveHost;
  run(program).catch((err) => {
    process.stderr.write(`${program.name}: ${messageOf(err)}\n`);
    leave(INTERNAL);
  });
}

/** watchFailures logs what nobody caught, as one record, and ends as Node does. An author's own handlers win. */
function watchFailures() {
  const die = (how) => (err) => {
    const what = [is(err, Error) ? `${nameOf(err)}: ${messageOf(err)}` : messageOf(err), ...chain(err)].join(': ');
    stderrLine('ERROR', `${what} (${how})`, { stack: stackOf(err) });
    leave(1);
  };
  for (const [event, how] of [['uncaughtException', 'nothing caught it, so the process ends'], ['unhandledRejection', 'a promise that nothing handled, so the process ends']]) {
    const mine = die(how);
    process.on(event, (err) => {
      if (process.listenerCount(event) === 1) mine(err);
    });
  }
}

async function serveHost(program) {
  followHost();
  const server = new Server(program);
  drainOnTerm(server);
  const dir = process.env[SOCKETS] || tmpdir();
  const socket = join(dir, `node-${process.pid}.sock`);
  const { credentials, field } = security();
  await server.listen(socket, { credentials, shutdown: () => leave(0) });
  writeSync(1, `1|${version()}|unix|${socket}|grpc|${field}\n`);
}

/** version chooses of the host's list; where that has none of ours, the host says who must be upgraded. */
const version = () => PROTOCOL;

/** security follows tls = true: both sides trust each other's certificate alone. */
function security() {
  const client = process.env.PLUGIN_CLIENT_CERT ?? '';
  if (client === '') return { credentials: grpc.ServerCredentials.createInsecure(), field: '' };
  const own = certificate();
  return {
    credentials: grpc.ServerCredentials.createSsl(Buffer.from(client), [{ private_key: Buffer.from(own.key), cert_chain: Buffer.from(own.pem) }], true),
    field: own.der.toString('base64').replace(/=+$/, ''),
  };
}

/** followHost ends the process with its host: that holds the other end of standard input for as long as it lives. */
function followHost() {
  const info = fstatSync(0, { throwIfNoEntry: false });
  if (!info?.isFIFO() && !info?.isSocket()) return;
  process.stdin.on('end', () => leave(0));
  process.stdin.on('error', () => leave(0));
  process.stdin.resume();
}

function drainOnTerm(server) {
  let told = false;
  process.on('SIGTERM', () => {
    if (told) leave(0);
    told = true;
    setTimeout(() => leave(0), DRAIN);
    server.drain().then(() => leave(0));
  });
}

/** leave ends the process, and takes along the folder that the host has made for its socket. */
function leave(code) {
  const dir = process.env[SOCKETS];
  if (dir && !dev) {
    try {
      for (const entry of readdirSync(dir, { withFileTypes: true })) {
        if (entry.isSocket()) rmSync(join(dir, entry.name));
      }
      rmdirSync(dir); // only if that was all
    } catch {
      // the host removes what is left
    }
  }
  process.exit(code);
}

/** serveDev waits for hosts on the socket that LEAT_PLUGIN_DEV names: the program runs under a debugger, say. */
async function serveDev(program) {
  const socket = resolve(dev);
  await freeSocket(socket);
  const server = new Server(program);
  const over = () => {
    rmSync(socket, { force: true });
    process.exit(0);
  };
  let asked = false;
  const ask = () => {
    if (asked) over();
    asked = true;
    setTimeout(over, PARTING);
    server.drain().then(over);
  };
  process.on('SIGINT', ask);
  process.on('SIGTERM', ask);
  await server.listen(socket, { shutdown: over });
  chmodSync(socket, 0o600);
  process.stderr.write(`${program.name}: waiting for leat at ${socket}\n`);
}

/** freeSocket removes the socket that a process has left behind, but not one where somebody listens. */
async function freeSocket(socket) {
  const where = `LEAT_PLUGIN_DEV=${socket}`;
  if (!existsSync(dirname(socket))) throw new Error(`${where}: the folder ${dirname(socket)} does not exist: make it, with mode 0700`);
  const info = lstatSync(socket, { throwIfNoEntry: false });
  if (!info) return;
  if (!info.isSocket()) throw new Error(`${where}: there is a file that is no socket`);
  const taken = await new Promise((done) => {
    const c = connect(socket, () => done(true)).on('error', () => done(false)).on('connect', () => c.destroy());
  });
  if (taken) throw new Error(`${where}: another process serves there: end it first`);
  rmSync(socket, { force: true });
}
