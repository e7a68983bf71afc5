// Secrets in a config: references that the plugin follows in its own environment.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** What following a reference throws. */
export class SecretError extends Error {}
Object.defineProperty(SecretError.prototype, 'name', { value: 'SecretError', configurable: true, writable: true });

/** A secret. It shows itself to nobody; reveal gives its value. */
export class Secret {
  #ref;
  #dir;
  #path;

  /** @param {{env?: string, file?: string}} ref @param {string} path of its key @param {string} dir where relative paths start */
  constructor(ref, path, dir) {
    this.#ref = ref;
    this.#path = path;
    this.#dir = dir;
  }

  /** The value. A file is read anew each time, so that a rotated secret is seen; one line end at its end is not part of it. */
  reveal() {
    const { value, wrong } = this.follow();
    if (wrong) throw new SecretError([`${wrong.path}: ${wrong.message}`, wrong.hint].filter(Boolean).join(': '));
    return value;
  }

  /** follow returns the value, or why there is none, as a mistake of the config. */
  follow() {
    const { env, file } = this.#ref;
    const lacks = (message, hint = '') => ({ wrong: { path: this.#path, message, hint } });
    if (env !== undefined) {
      const value = process.env[env];
      if (value) return { value };
      return lacks(`the variable ${env} is ${value === '' ? 'empty' : 'not set'} in the plugin's environment`, `env = ["${env}"] in the plugin's table lets it through`);
    }
    try {
      const value = readFileSync(resolve(this.#dir || '.', file), 'utf8').replace(/\r?\n$/, '');
      return value === '' ? lacks(`the file ${file} is empty`) : { value };
    } catch (err) {
      return lacks(`the file ${file} can't be read: ${err.code ?? 'it failed'}`);
    }
  }

  toString() {
    return '[secret]';
  }

  toJSON() {
    return '[secret]';
  }

  [Symbol.toPrimitive]() {
    return '[secret]';
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return '[secret]';
  }
}

/** isSecret tells a fragment of secret(). */
export const isSecret = (fragment) => fragment?.writeOnly === true;
