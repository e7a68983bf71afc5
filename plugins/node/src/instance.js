// A stage that the host has opened.
import { Call } from './call.js';
import { StageError, fromWire, within } from './error.js';
import { Headers } from './headers.js';
import { Logger } from './log.js';
import { both, fromWire as needsFrom, plain } from './needs.js';
import { causes, messageOf, stackOf } from './thrown.js';
import { pb } from './wire/wire.js';

const GRACE = 1_000; // milliseconds from Cancel on that a stage may take to notice it

/** An instance of a stage. */
export class Instance {
  #working = new Set(); // exchanges, and ends of calls
  #told; // called when one of them has ended, or was cancelled

  constructor(session, definition, config, own, open) {
    this.session = session;
    this.definition = definition;
    this.config = config;
    this.own = own;
    this.needs = open.granted ? both(own, needsFrom(open.granted)) : own;
    this.closing = false;
    this.settings = {
      pipeline: open.pipeline, stage: open.stage, needs: plain(this.needs), credential: open.credential, dir: open.dir, state: undefined,
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

  /** enter has close wait for work. */
  enter(work) {
    this.#working.add(work);
  }

  leave(work) {
    this.#working.delete(work);
    this.changed();
  }

  /** changed has close look again at what it waits for. */
  changed() {
    this.#told?.();
  }

  /** close waits for the exchanges, which may have been cancelled a moment ago at most, and closes the state. */
  async close() {
    this.closing = true;
    while (this.#working.size > 0) {
      const left = this.#patience();
      if (left <= 0) break;
      let timer;
      await new Promise((resolve) => {
        this.#told = resolve;
        if (left < Infinity) timer = setTimeout(resolve, left);
      });
      clearTimeout(timer);
    }
    const n = this.#working.size;
    if (n > 0) {
      this.put(4, 'a stage is closed while it works on requests that were cancelled: it does not look at req.signal, or waits for what never comes', [{ key: 'requests', integer: n }]);
    }
    if (this.definition.close) await this.definition.close(this.settings);
  }

  /** patience says for how long, in milliseconds, there is something to wait for. */
  #patience() {
    let since = -Infinity;
    for (const work of this.#working) since = Math.max(since, work.stopped ?? Infinity);
    return since + GRACE - performance.now();
  }

  /** callEnded tells the stage of the end of a call. */
  async callEnded(id, w) {
    if (!this.definition.ended) return;
    const work = {};
    this.enter(work);
    try {
      const r = w.request ?? new pb.Request();
      await this.definition.ended(this.config, {
        call: new Call(undefined, w.call ?? new pb.Call()), request: { method: r.method, url: r.url, headers: Headers.fromWire(r.headers) },
        status: w.status, error: w.error ? fromWire(StageError, w.error) : undefined, traceparent: w.traceparent,
        log: new Logger((level, message, attrs) => this.session.logs.put(id, level, message, attrs), () => w.logLevel),
      }, this.settings);
    } catch (err) {
      const said = within(err, (e) => e instanceof StageError);
      this.put(8, 'stage panicked as a call ended', [{ key: 'error', text: said ? messageOf(said) : stackOf(err) }, ...causes(err)]);
    } finally {
      this.leave(work);
    }
  }
}
