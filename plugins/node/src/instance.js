// A stage that the host has opened.
import { Call } from './call.js';
import { StageError, fromWire, within } from './error.js';
import { Headers } from './headers.js';
import { Logger } from './log.js';
import { both, fromWire as needsFrom } from './needs.js';
import { pb } from './wire/wire.js';

/** An instance of a stage. */
export class Instance {
  #idle; // called when the last exchange has ended

  constructor(session, definition, config, own, open) {
    this.session = session;
    this.definition = definition;
    this.config = config;
    this.own = own;
    this.needs = open.granted ? both(own, needsFrom(open.granted)) : own;
    this.busy = 0;
    this.closing = false;
    this.settings = {
      pipeline: open.pipeline, stage: open.stage, credential: open.credential, dir: open.dir, state: undefined,
      log: new Logger((level, message, attrs) => this.put(level, message, attrs), () => session.logs.level),
    };
  }

  /** open has the author's own open make the state. */
  async open() {
    if (this.definition.open) this.settings.state = await this.definition.open(this.config, this.settings);
  }

  run(req, next) {
    return this.definition.run(this.config, req, next, this.settings);
  }

  /** put logs a record that belongs to no exchange, or to x. */
  put(level, message, attrs, x) {
    if (x && this.session.under(x)) this.session.logs.put(x.id, level, message, attrs);
    else this.session.logs.put(0, level, message, [...attrs, { key: 'pipeline', text: this.settings.pipeline }, { key: 'stage', text: this.settings.stage }]);
  }

  enter() {
    this.busy++;
  }

  leave() {
    if (--this.busy === 0) this.#idle?.();
  }

  /** close waits for the exchanges and closes the state. */
  async close() {
    this.closing = true;
    if (this.busy > 0) await new Promise((resolve) => (this.#idle = resolve));
    if (this.definition.close) await this.definition.close(this.settings);
  }

  /** callEnded tells the stage of the end of a call. */
  async callEnded(id, w) {
    if (!this.definition.ended) return;
    this.enter();
    try {
      const r = w.request ?? new pb.Request();
      await this.definition.ended(this.config, {
        call: new Call(undefined, w.call ?? new pb.Call()), request: { method: r.method, url: r.url, headers: Headers.fromWire(r.headers) },
        status: w.status, error: w.error ? fromWire(StageError, w.error) : undefined, traceparent: w.traceparent,
        log: new Logger((level, message, attrs) => this.session.logs.put(id, level, message, attrs), () => w.logLevel),
      }, this.settings);
    } catch (err) {
      const text = within(err, (e) => e instanceof StageError)?.message ?? String(err?.stack ?? err);
      this.put(8, 'stage panicked as a call ended', [{ key: 'error', text: text.slice(0, 8192) }]);
    } finally {
      this.leave();
    }
  }
}
