// The types of stages that a program serves.
import { DEFAULT_NEEDS, checked } from './needs.js';
import { textOf } from './log.js';
import { Secret } from './secret.js';
import { schemaOf } from './schema.js';
import { messageOf } from './thrown.js';
import { read } from './validate.js';

const NAME = /^[A-Za-z0-9_-]+$/;
const OPTIONS = ['doc', 'needs', 'mostNeeds', 'config', 'check', 'open', 'close', 'ended'];

/** A type of stages. */
export class Definition {
  #needs;

  constructor(type, options, run) {
    const where = `stage(${JSON.stringify(type)})`;
    if (typeof type !== 'string' || !NAME.test(type)) throw new TypeError(`${where}: a name is made of letters, digits, hyphens and underscores`);
    if (typeof run !== 'function') throw new TypeError(`${where}: its last argument is the function (config, req, next) => response`);
    for (const key of Object.keys(options)) {
      if (!OPTIONS.includes(key)) throw new TypeError(`${where}: there is no option ${JSON.stringify(key)}; it has ${OPTIONS.join(', ')}`);
    }
    this.type = type;
    this.run = run;
    this.doc = options.doc ?? '';
    this.keys = options.config ?? {};
    this.schema = schemaOf(this.keys, `${where}.config`);
    this.check = options.check;
    this.open = options.open;
    this.close = options.close;
    this.ended = options.ended;
    this.#needs = options.needs ?? DEFAULT_NEEDS;
    const most = typeof this.#needs === 'function' ? options.mostNeeds : this.#needs;
    if (!most) throw new TypeError(`${where}: needs is a function of the config, so mostNeeds must say the most that any config asks for`);
    this.most = checked(most, typeof this.#needs === 'function' ? `${where}.mostNeeds` : `${where}.needs`);
    if (this.ended && !this.most.calls) throw new TypeError(`${where}: it has an ended, and its needs say nothing of calls: calls: true`);
    const { mistakes } = read(Object.fromEntries(Object.entries(this.keys).map(([k, f]) => [k, { ...f, required: false }])), {});
    if (mistakes.length > 0) throw new TypeError(`${where}.config: the default of ${mistakes[0].path}: ${mistakes[0].message}`);
  }

  needsOf(config) {
    return typeof this.#needs === 'function' ? checked(this.#needs(config), `the needs of ${this.type}`) : this.most;
  }

  /** read judges a config in JSON: what is wrong with it, or itself and the needs of a stage of it. @param {Uint8Array} json */
  read(json, dir = '') {
    let values;
    try {
      values = json.length === 0 ? {} : JSON.parse(Buffer.from(json).toString());
    } catch (err) {
      return { mistakes: [{ path: '', message: `the config is no JSON object: ${err.message}` }] };
    }
    if (typeof values !== 'object' || values === null || Array.isArray(values)) return { mistakes: [{ path: '', message: 'the config is no JSON object' }] };
    const { config, mistakes } = read(this.keys, values, dir);
    if (mistakes.length === 0 && this.check) {
      for (const m of this.check(config) ?? []) {
        mistakes.push({ path: textOf(m.path ?? ''), message: textOf(m.message), hint: textOf(m.hint ?? ''), secret: Boolean(m.secret) });
      }
    }
    if (mistakes.length > 0) return { mistakes };
    return { config, needs: this.needsOf(config), mistakes };
  }

  /** judge is read, where what the author's own check and needs throw is a mistake, too. */
  judge(json, dir) {
    try {
      return this.read(json, dir);
    } catch (err) {
      return { mistakes: [{ message: `the config can't be judged: ${messageOf(err)}` }] };
    }
  }

  /** missing reads the secrets of a config once, so that one that isn't there is seen before the first request, as a mistake at its key. */
  missing(config) {
    const mistakes = [];
    for (const value of Object.values(config)) {
      if (value instanceof Secret) {
        const { wrong } = value.follow();
        if (wrong) mistakes.push(wrong);
      } else if (typeof value === 'object' && value !== null) mistakes.push(...this.missing(value));
    }
    return mistakes;
  }
}

/** @type {Definition[]} */
const served = [];

/** stage says what a type of stages does; serve serves it. */
export function stage(type, options, run) {
  if (typeof options === 'function') [options, run] = [{}, options];
  const d = new Definition(type, options ?? {}, run);
  if (served.some((other) => other.type === type)) throw new TypeError(`stage(${JSON.stringify(type)}): the type is there twice`);
  served.push(d);
  return d;
}

/** definitions are those that stage was called for. */
export const definitions = () => [...served];
