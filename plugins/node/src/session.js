// One host's stream: its stages and its exchanges.
import { StageError, internal, toWire } from './error.js';
import { Exchange } from './exchange.js';
import { Instance } from './instance.js';
import { LogSink, stderrLine } from './log.js';
import { toWire as needsTo } from './needs.js';
import { Pipe, eachFrame } from './pipe.js';
import { SecretError } from './secret.js';
import { is, messageOf, stackOf } from './thrown.js';
import { MAX_EXCHANGES, keyOf } from './wire/wire.js';

const KINDS = ['open', 'do', 'result', 'awake', 'body', 'cancel', 'ended', 'close'];

/** A session. Everything of it ends with its stream. */
export class Session {
  #live = new Map();
  #instances = new Map();
  #running = new Set(); // promises that the session does not end before
  #ended = false;
  #draining = false;

  /** @param {import('./server.js').Server} server @param {any} stream of gRPC, whose messages are bytes */
  constructor(server, stream) {
    this.server = server;
    this.pipe = new Pipe(stream, (err) => {
      stderrLine('ERROR', `a session ends: ${err.message}`);
      stream.destroy(err);
    });
    this.logs = new LogSink(this.pipe);
  }

  /** receive takes a batch. */
  receive(batch) {
    eachFrame(batch, (frame) => this.handle(frame));
  }

  handle(frame) {
    const kind = KINDS.find((k) => frame[k]);
    const key = keyOf(frame.exchange);
    switch (kind) {
      case 'do':
        return this.#begin(frame.exchange, key, frame.do);
      case 'result':
      case 'awake':
      case 'body':
        return this.#live.get(key)?.deliver(frame);
      case 'cancel':
        return this.#cancel(key);
      case 'ended':
        return this.#spawn(this.#callEnded(frame.exchange, frame.ended));
      case 'open':
        return this.#spawn(this.#open(frame.exchange, frame.open));
      case 'close':
        return this.#spawn(this.#shut(frame.exchange, frame.close.instance));
    }
    const x = this.#live.get(key);
    if (x && this.finished(x)) {
      x.refuse('the host sent a kind of frame that this SDK does not know');
      x.stop();
    }
    return undefined;
  }

  #spawn(promise) {
    const p = promise.finally(() => this.#running.delete(p));
    this.#running.add(p);
  }

  #begin(id, key, w) {
    if (this.#ended) return;
    const refuse = (message) => this.pipe.send({ exchange: id, return: { error: toWire(internal(message)) } });
    const instance = this.#instances.get(w.instance);
    if (this.#live.has(key)) {
      this.logs.put(0, 8, 'the host began an exchange twice', []);
      return;
    }
    if (!instance || instance.closing) {
      refuse(`instance ${w.instance} is not open`);
      return;
    }
    if (this.#live.size >= MAX_EXCHANGES) {
      refuse(`more than ${MAX_EXCHANGES} exchanges are under way`);
      return;
    }
    const x = new Exchange(this, id, instance, w);
    this.#live.set(key, x);
    instance.enter(x);
    x.run().catch((err) => x.lost(err)).finally(() => instance.leave(x)); // Close waits for it by the instance
  }

  #cancel(key) {
    const x = this.#live.get(key);
    this.#live.delete(key);
    x?.stop();
    this.server.bodies.forget(key);
  }

  /** finished takes an exchange out, and reports whether the host still waits for its end. */
  finished(x) {
    return this.under(x) && this.#live.delete(x.key);
  }

  /** under reports whether an exchange is under way as far as the host knows. */
  under(x) {
    return this.#live.get(x.key) === x;
  }

  async #open(id, w) {
    const opened = {};
    const instance = await this.#make(w, opened);
    if (instance && (this.#ended || this.#instances.has(w.instance))) {
      opened.failure = `instance ${w.instance} is open already`;
      await instance.close().catch(() => {}); // it was never used
    } else if (instance) {
      this.#instances.set(w.instance, instance);
    }
    this.pipe.send({ exchange: id, opened });
  }

  async #make(w, opened) {
    const definition = this.server.definition(w.type);
    if (!definition) {
      opened.mistakes = [{ message: `there is no type ${JSON.stringify(w.type)}` }];
      return undefined;
    }
    try {
      const { config, needs, mistakes } = definition.judge(w.config, w.dir);
      opened.mistakes = mistakes.length > 0 ? mistakes : definition.missing(config);
      if (opened.mistakes.length > 0) return undefined;
      const instance = new Instance(this, definition, config, needs, w);
      if (needs.response && !instance.needs.response) {
        opened.failure = 'the stage looks at the response, and the file grants none: grants.response in the plugin\'s table, with what leat plugin list shows';
        return undefined;
      }
      await instance.open();
      opened.needs = needsTo(needs);
      return instance;
    } catch (err) {
      opened.failure = messageOf(err);
      if (is(err, StageError) || is(err, SecretError)) return undefined; // it says all there is
      this.logs.put(0, 8, 'a stage could not be made', [{ key: 'stage', text: w.stage }, { key: 'stack', text: stackOf(err) }]);
      return undefined;
    }
  }

  async #shut(id, number) {
    const closed = {};
    const instance = this.#instances.get(number);
    if (!instance || instance.closing) closed.failure = `instance ${number} is not open`;
    else {
      try {
        await instance.close();
      } catch (err) {
        closed.failure = messageOf(err);
      }
      this.#instances.delete(number);
    }
    this.pipe.send({ exchange: id, closed });
  }

  async #callEnded(id, w) {
    const instance = this.#instances.get(w.instance);
    if (instance && !instance.closing && !this.#ended) await instance.callEnded(id, w);
  }

  /** drain tells the host to begin nothing new. */
  drain() {
    if (this.#draining) return;
    this.#draining = true;
    this.pipe.send({ draining: {} });
  }

  /** end ends all exchanges, waits for them, and closes the stages. */
  async end() {
    if (this.#ended) return;
    this.#ended = true;
    const live = [...this.#live];
    this.#live.clear();
    for (const [key, x] of live) {
      x.stop();
      this.server.bodies.forget(key);
    }
    this.server.bodies.leave(this);
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
    for (const instance of this.#instances.values()) {
      if (!instance.closing) await instance.close().catch(() => {}); // nobody is left to tell
    }
    this.#instances.clear();
    this.pipe.flush();
    this.pipe.close();
  }
}
