// The errors of stages, and how they travel.
import { milliseconds, nanoseconds } from './wire/wire.js';
import { Headers } from './headers.js';
import { textOf } from './log.js';
import { causeOf } from './thrown.js';

/** The kinds of errors, as docs/errors.md has them. */
export const KINDS = Object.freeze([
  'network', 'tls', 'timeout', 'canceled', 'unauthorized', 'client', 'forbidden', 'not_found', 'conflict', 'rate_limited', 'server', 'parse', 'validation',
  'policy', 'plugin', 'internal',
]);

/** The classes of errors: whether sending again may help. */
export const CLASSES = Object.freeze(['not_sent', 'refused', 'unknown', 'processed', 'terminal']);

/** An error that a stage throws so that the program which runs the pipeline can act on it. */
export class StageError extends Error {
  constructor(kind, message, options = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    if (!KINDS.includes(kind)) {
      throw new TypeError(`new StageError(${JSON.stringify(kind)}, …): there is no such kind; it is one of ${KINDS.join(', ')}`);
    }
    if (options.class && !CLASSES.includes(options.class)) {
      throw new TypeError(`new StageError: there is no class ${JSON.stringify(options.class)}; it is one of ${CLASSES.join(', ')}`);
    }
    const status = options.status ?? 0;
    if (status !== 0 && !(Number.isInteger(status) && status >= 100 && status <= 999)) {
      throw new TypeError(`new StageError: ${textOf(status)} is no status: it is one of a response, as in 503, or left out`);
    }
    this.kind = kind;
    this.class = options.class ?? 'terminal';
    this.reason = options.reason ?? '';
    this.status = status;
    this.headers = options.headers instanceof Headers ? options.headers : new Headers(options.headers);
    this.problemType = options.problemType ?? '';
    this.violations = [...(options.violations ?? [])];
    this.retryAfter = options.retryAfter ?? 0;
    this.truncated = options.truncated ?? false;
    this.stage = options.stage ?? '';
  }
}
Object.defineProperty(StageError.prototype, 'name', { value: 'StageError', configurable: true, writable: true });

/** What next throws where no response came. Thrown again, or as the cause of another error, it keeps the cause that the host has. */
export class NextError extends StageError {}
Object.defineProperty(NextError.prototype, 'name', { value: 'NextError', configurable: true, writable: true });

/** What reading a response throws where its body broke off. */
export class BodyError extends StageError {}
Object.defineProperty(BodyError.prototype, 'name', { value: 'BodyError', configurable: true, writable: true });

/** internal is an error that says that the stage broke a rule. */
export const internal = (message) => new StageError('internal', message);

/** ended is the error of a caller who has left, and how: "canceled", "deadline" or "timeout". */
export function ended(how, doing) {
  const said = { canceled: 'the caller gave up', deadline: "the caller's deadline passed", timeout: "the call's timeout passed" };
  return new StageError(how === 'canceled' ? 'canceled' : 'timeout', `${said[how] ?? said.canceled} while ${doing}`, { reason: how });
}

/** fromWire makes an error of class Type of what the host says. */
export function fromWire(Type, e) {
  const err = new Type('internal', e.message, {
    reason: e.reason, stage: e.stage, headers: Headers.fromWire(e.headers), problemType: e.problemType,
    violations: e.violations, retryAfter: milliseconds(e.retryAfter), truncated: e.truncated,
  });
  return Object.assign(err, { kind: e.kind, class: e.class || 'terminal', status: e.status }); // a newer host may have words that this SDK does not know
}

/** toWire writes an error for the host. */
export function toWire(e) {
  return {
    kind: e.kind || 'internal', class: e.class, reason: textOf(e.reason), message: textOf(e.message), stage: textOf(e.stage), status: e.status >>> 0,
    problemType: textOf(e.problemType), violations: e.violations.slice(0, 64).map(textOf), retryAfter: nanoseconds(Math.max(0, e.retryAfter)), truncated: e.truncated, headers: e.headers.toWire(),
  };
}

/** within returns the first error in the chain of causes that is accepted. */
export function within(err, accept) {
  for (let e = err, depth = 0; e !== null && e !== undefined && depth < 32; e = causeOf(e), depth++) {
    if (accept(e)) return e;
  }
  return undefined;
}
