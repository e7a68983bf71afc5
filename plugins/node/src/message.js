// What requests and responses have in common: a body that is read as a fetch Response is.
import { createHash } from 'node:crypto';
import { StageError } from './error.js';

/** bodyOf makes bytes of what a stage writes as a body. */
export function bodyOf(body) {
  if (body === undefined || body === null) return Buffer.alloc(0);
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.length);
  if (body instanceof ArrayBuffer) return Buffer.from(body);
  throw new TypeError(`a body is a string or a Uint8Array, not ${typeof body === 'object' ? 'an object: write JSON.stringify(…)' : typeof body}`);
}

/** digestOf returns length and SHA-256 of bytes. */
export const digestOf = (data) => ({ length: data.length, sha256: createHash('sha256').update(data).digest() });

/** A message whose body comes by read. */
export class Message {
  /** A copy: to change it changes nothing before it is set as the body. */
  async bytes() {
    return Buffer.from(await this.read());
  }

  async text() {
    return (await this.read()).toString();
  }

  async json() {
    const text = await this.text();
    try {
      return JSON.parse(text);
    } catch {
      throw new StageError('parse', 'the body is no JSON'); // where exactly is left out: the words would show what stands there
    }
  }
}
