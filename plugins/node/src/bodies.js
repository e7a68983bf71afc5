// Bodies that travel apart from the frames, by the number of their exchange.
import { status } from '@grpc/grpc-js';
import { GOOD_CHUNK, MAX_BODY, keyOf } from './wire/wire.js';

const MAX_ARRIVED = 1 << 12; // bodies that came before their frame

/** The bodies of a process: the numbers of exchanges differ between sessions, too. */
export class Bodies {
  #claims = new Map(); // of exchanges that wait for a body
  #arrived = new Map(); // that came before the frame that they belong to
  #leaving = new Map(); // that the host is to fetch

  /** claim has the next body of an exchange handed to take. */
  claim(key, take) {
    const a = this.#arrived.get(key);
    if (!a) {
      this.#claims.set(key, take);
      return;
    }
    this.#arrived.delete(key);
    a.taken();
    take(a.data);
  }

  /** announce keeps a body until the host of that session fetches it. */
  announce(key, data, session) {
    this.#leaving.set(key, { data, session });
  }

  /** withdraw drops a body that the host was not told of. */
  withdraw(key, data) {
    if (this.#leaving.get(key)?.data === data) this.#leaving.delete(key);
  }

  /** leave drops what the host of a session did not fetch. */
  leave(session) {
    for (const [key, one] of this.#leaving) {
      if (one.session === session) this.#leaving.delete(key);
    }
  }

  /** How many bodies wait for the host, and how many exchanges for one of it. */
  get size() {
    return { leaving: this.#leaving.size, claims: this.#claims.size, arrived: this.#arrived.size };
  }

  /** forget drops what is kept for an exchange. */
  forget(key) {
    this.#claims.delete(key);
    this.#leaving.delete(key);
  }

  /** unclaim is forget for an exchange that is over on this side, where the host may still fetch. */
  unclaim(key, take) {
    if (this.#claims.get(key) === take) this.#claims.delete(key); // the number may be another exchange's by now
  }

  /** upload takes a body, and answers once the exchange has it that it is for. */
  upload(call, answer) {
    const chunks = [];
    let size = 0;
    let key;
    let over = false;
    const once = (err, value) => {
      if (over) return;
      over = true;
      answer(err, value);
    };
    call.on('data', (chunk) => {
      key ??= keyOf(chunk.exchange);
      size += chunk.data.length;
      if (size > MAX_BODY) {
        chunks.length = 0;
        once({ code: status.RESOURCE_EXHAUSTED, details: 'a body of more than 1 GiB' });
        return;
      }
      chunks.push(chunk.data);
    });
    call.on('cancelled', () => {
      over = true;
      if (this.#arrived.get(key)?.call === call) this.#arrived.delete(key);
    });
    call.on('error', () => {}); // cancelled tells
    call.on('end', () => {
      if (over) return;
      const data = Buffer.concat(chunks, size);
      const take = this.#claims.get(key);
      if (take) {
        this.#claims.delete(key);
        take(data);
        once(null, {});
      } else if (this.#arrived.size >= MAX_ARRIVED) {
        once({ code: status.RESOURCE_EXHAUSTED, details: 'too many bodies without their frames' });
      } else {
        this.#arrived.set(key, { data, call, taken: () => once(null, {}) });
      }
    });
  }

  /** download gives a body that a frame has announced, once. */
  async download(call) {
    const key = keyOf(call.request.exchange);
    const data = this.#leaving.get(key)?.data;
    this.#leaving.delete(key);
    if (!data) {
      call.emit('error', { code: status.NOT_FOUND, details: `no body was announced for exchange ${key}` });
      return;
    }
    for (let at = 0; at < data.length && !call.cancelled; at += GOOD_CHUNK) {
      const chunk = { data: data.subarray(at, at + GOOD_CHUNK) };
      if (at === 0) chunk.exchange = call.request.exchange;
      if (!call.write(chunk)) await new Promise((resolve) => {
        const go = () => {
          call.off('drain', go);
          call.off('cancelled', go);
          resolve();
        };
        call.on('drain', go);
        call.on('cancelled', go);
      });
    }
    call.end();
  }
}
