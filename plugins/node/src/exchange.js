// One request on its way through a stage.
import { NextError, ended, fromWire, internal, toWire } from './error.js';
import { Call } from './call.js';
import { Logger } from './log.js';
import { checkParted, failure, panicked, returned, tellParted } from './outcome.js';
import { Parted, StageResponse } from './response.js';
import { StageRequest, given } from './request.js';
import { Tracing } from './span.js';
import { stackOf } from './thrown.js';
import { MAX_FRAME, MAX_INLINE, keyOf, milliseconds, nanoseconds, pb } from './wire/wire.js';

const NONE = Object.freeze({ request: undefined, response: undefined, error: undefined });
const NO_CALL = new pb.Call();
const NO_REQUEST = new pb.Request();

/** An exchange. A stage may read a body or call next from several places; they take turns. */
export class Exchange {
  /** @param {import('./session.js').Session} session */
  constructor(session, id, instance, w) {
    this.session = session;
    this.id = id;
    this.key = keyOf(id);
    this.instance = instance;
    this.needs = instance.needs;
    this.w = w;
    this.began = performance.now();
    this.call = new Call(this, w.call ?? NO_CALL);
    this.replayable = w.request?.replayable ?? false;
    this.level = w.logLevel;
    this.last = NONE; // what came of the last next
    this.nexts = 0;
    this.parted = false; // the request was handed on, and nothing is answered
    this.over = false; // the stage has returned
    this.gone = false; // the host waits for nothing any more
    this.stopped = undefined; // when that was, as performance.now() tells it
    this.carried = undefined; // a body that was announced for the frame to be sent next
    this.left = undefined; // how the caller has left
  }

  get tracing() {
    return (this.trace ??= new Tracing(this.w.traceparent, this.w.recording));
  }

  get span() {
    return this.tracing.own;
  }

  get log() {
    return (this.logger ??= new Logger((level, message, attrs) => {
      if (this.session.under(this)) this.session.logs.put(this.id, level, message, attrs);
      else this.instance.put(level, message, attrs);
    }, () => this.level));
  }

  /** When the call must be done, undefined if nobody waits so impatiently. */
  get deadline() {
    const left = milliseconds(this.w.deadline);
    return left > 0 ? new Date(Date.now() + left - (performance.now() - this.began)) : undefined;
  }

  /** The signal that aborts when the caller has left. It is made when somebody asks for it: most stages never do. */
  get signal() {
    if (this.aborter) return this.aborter.signal;
    this.aborter = new AbortController();
    if (this.left || this.gone || this.over) this.aborter.abort(this.reason());
    else {
      const left = milliseconds(this.w.deadline) - (performance.now() - this.began);
      if (this.w.deadline && milliseconds(this.w.deadline) > 0) {
        this.timer = setTimeout(() => this.aborter.abort(ended('deadline', 'the stage worked')), Math.min(Math.max(0, Math.ceil(left) + 1), 2 ** 31 - 1)); // it may come up to 1 ms early
        this.timer.unref();
      }
    }
    return this.aborter.signal;
  }

  reason(doing = 'the stage worked') {
    return ended(this.left ?? 'canceled', doing);
  }

  /** leaves notes that the caller has left, and how. */
  leaves(how) {
    if (how && !this.left) {
      this.left = how;
      this.aborter?.abort(this.reason());
    }
  }

  /** stop ends an exchange that nobody waits for any more. */
  stop() {
    this.gone = true;
    this.stopped ??= performance.now();
    clearTimeout(this.timer);
    this.aborter?.abort(this.reason());
    this.waiting?.(undefined);
    this.uploaded?.(undefined);
    this.instance.changed();
  }

  /** deliver hands over the answer to what the exchange has asked for; more than that is dropped. */
  deliver(frame) {
    const w = this.waiting;
    this.waiting = undefined;
    w?.(frame);
  }

  /** send sends a frame, with what was announced for it; false: it is too large, and nobody fetches that. */
  send(frame) {
    frame.exchange = this.id;
    const sent = this.session.pipe.send(frame);
    if (sent) this.carried = undefined;
    else this.withdraw();
    return sent;
  }

  /** withdraw drops a body that was announced for a frame which is not sent. */
  withdraw() {
    if (this.carried) this.session.server.bodies.withdraw(this.key, this.carried);
    this.carried = undefined;
  }

  /** run has the stage work, and tells the host what came of it. */
  async run() {
    const out = {};
    try {
      this.session.logs.level = this.level;
      const w = this.w.request ?? NO_REQUEST;
      this.given = given(w, w.body ? await this.apart(w.body) : undefined, this.needs.request.body);
      const req = new StageRequest(this, this.given);
      const next = (r) => handled(this.next(r ?? req));
      const value = await this.instance.run(req, next);
      while (this.turn) await this.turn;
      if (this.parted) checkParted(this, value);
      else await returned(this, value, out);
    } catch (err) {
      while (this.turn) await this.turn;
      if (this.parted) tellParted(this, err);
      else {
        this.withdraw();
        delete out.edits;
        delete out.response;
        out.error = failure(this, err);
      }
    }
    this.over = true;
    clearTimeout(this.timer);
    if (this.uploaded) this.session.server.bodies.unclaim(this.key, this.uploaded);
    this.aborter?.abort(this.reason());
    if (!this.session.finished(this)) {
      this.withdraw();
      return;
    }
    out.changes = this.call.take();
    const trace = this.trace?.take();
    if (trace) Object.assign(out, trace);
    if (this.send({ return: out })) return;
    this.refuse(`what the stage returned does not fit into a frame of ${MAX_FRAME} bytes`);
  }

  /** lost answers an exchange whose end could not be written: the stage put something there that no frame holds. */
  lost(err) {
    this.withdraw();
    this.instance.put(8, 'what a stage returned can\'t be written', [{ key: 'error', text: stackOf(err) }]);
    this.send({ return: { error: panicked(this, 'what the stage returned can\'t be written: see the log') } });
  }

  /** refuse answers an exchange that can't go on. */
  refuse(message) {
    this.send({ return: { error: { ...toWire(internal(message)), stage: this.instance.settings.stage } } });
  }

  /** own takes the turn: while one asks the host, others wait. */
  async own(f) {
    while (this.turn) await this.turn;
    let done;
    this.turn = new Promise((resolve) => (done = resolve));
    try {
      return await f();
    } finally {
      this.turn = undefined;
      done();
    }
  }

  /** ask sends a frame and waits for the answer of that kind. The turn is taken. */
  async ask(frame, kind, doing) {
    if (this.over) throw internal('the stage has returned: what it was given is no longer to be used');
    if (this.parted) throw errParted();
    if (this.gone) throw this.reason(doing);
    const answer = new Promise((resolve) => (this.waiting = resolve));
    if (!this.send(frame)) {
      this.waiting = undefined;
      throw internal(`what the stage hands on does not fit into a frame of ${MAX_FRAME} bytes`);
    }
    const got = await answer;
    if (!got) throw this.reason(doing);
    if (!got[kind]) throw internal('the host answered with something else than it was asked for');
    return got[kind];
  }

  next(req) {
    return this.own(async () => {
      if (!(req instanceof StageRequest) || !req.of(this)) throw new TypeError('next takes the request that the stage was given, or a clone of it');
      if (this.over) throw internal('the stage has returned: next is no longer to be called');
      if (this.parted) throw errParted();
      if (this.left || this.gone) throw this.reason();
      if (++this.nexts > 1 && !this.needs.retry) throw internal('the stage called next a second time, and its needs have no retry');
      const edits = req.edits();
      if (this.w.result && this.nexts === 1) {
        this.withdraw();
        if (edits) throw internal('the stage changed the request, which its needs say nothing of: it is asked once the response is there');
        return this.result(this.w.result);
      }
      if (!this.needs.response) return this.part(edits);
      return this.result(await this.ask({ next: { edits, changes: this.call.take() } }, 'result', 'the stage waited for the answer'));
    });
  }

  /** result takes what came of a next. */
  result(r) {
    this.call.progress(r.call);
    this.replayable = r.replayable;
    this.leaves(r.ended);
    if (r.error) {
      const error = fromWire(NextError, r.error);
      this.last = { error };
      throw error;
    }
    const response = new StageResponse(this, r.response ?? new pb.Response());
    this.last = { response };
    return response;
  }

  /** part hands the request on for good. */
  part(edits) {
    const next = { edits, changes: this.call.take(), last: true, ...this.trace?.take() };
    if (this.session.under(this) && !this.send({ next })) throw internal(`what the stage hands on does not fit into a frame of ${MAX_FRAME} bytes`);
    this.session.finished(this);
    this.parted = true;
    this.last = { response: new Parted() };
    return this.last.response;
  }

  wait(ms) {
    return handled(this.own(async () => {
      if (this.left) throw this.reason('the stage waited');
      const awake = await this.ask({ wait: { duration: nanoseconds(ms), changes: this.call.take() } }, 'awake', 'the stage waited');
      this.call.progress(awake.call);
      this.leaves(awake.ended);
      if (awake.ended) throw this.reason('the stage waited');
    }));
  }

  /** body asks for the last response's body. */
  body(response) {
    return handled(this.own(() => {
      if (this.last.response !== response) throw internal('the response of an earlier next is gone: read it before next is called again');
      return this.ask({ read: {} }, 'body', 'the stage read the response');
    }));
  }

  /** drop tells that a response is not needed any more, where that can be told now. */
  drop(response) {
    if (this.turn || this.over || this.gone || this.parted || this.last.response !== response || this.session.under(this) === false) return false;
    this.send({ drop: {} });
    return true;
  }

  /** apart returns the bytes of a body, which may come by Upload. */
  async apart(body) {
    if (!body.apart) return Buffer.from(body.data.buffer, body.data.byteOffset, body.data.length);
    if (this.gone || this.over) throw this.reason('a body was on its way to the stage'); // a Cancel came with the frame: nobody sends it
    const data = await new Promise((resolve) => {
      this.uploaded = resolve;
      this.session.server.bodies.claim(this.key, resolve);
    });
    this.session.server.bodies.unclaim(this.key, this.uploaded);
    this.uploaded = undefined;
    if (!data) throw this.reason('a body was on its way to the stage');
    return data;
  }

  /** carry says where the host finds a body that the stage has made. */
  carry(data) {
    if (data.length <= MAX_INLINE) return { data, length: data.length };
    if (this.session.under(this)) { // nobody fetches what comes after a Cancel
      this.carried = data;
      this.session.server.bodies.announce(this.key, data, this.session);
    }
    return { apart: true, length: data.length };
  }
}

const errParted = () => internal('the stage\'s needs have no response: its part ended as it called next');

/** handled marks a promise as handled: one that the stage has dropped must not end the process when it fails. */
function handled(promise) {
  promise.catch(() => {});
  return promise;
}
