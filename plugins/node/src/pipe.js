// Frames over one stream: those that are ready together travel in one message.
import protobuf from 'protobufjs/minimal.js';
import { MAX_FRAME, pb } from './wire/wire.js';

const GOOD_BATCH = 1 << 17; // is written as one message where more is pending
const MAX_PENDING = 32 << 20; // waits to be written: a host that reads nothing must not take all memory

/** The sending side of a session's stream. */
export class Pipe {
  #stream;
  #fail;
  #writer; // gathers the batch
  #full = []; // those before it
  #gathered = 0; // bytes in full
  #scheduled = false;
  #blocked = false;
  #over = false;

  /** @param {any} stream @param {(err: Error) => void} fail is called where the host does not read */
  constructor(stream, fail) {
    this.#stream = stream;
    this.#fail = fail;
    stream.on?.('drain', () => {
      this.#blocked = false;
      this.flush();
    });
  }

  /** send queues a frame; false: it is too large. What is queued within one turn of the event loop travels together. */
  send(frame) {
    if (this.#over) return true;
    const w = (this.#writer ??= protobuf.Writer.create()).fork();
    try {
      pb.Frame.encode(frame, w);
    } catch (err) {
      while (w.states) w.reset(); // of the messages that it was in: the frames before stay what they are
      throw err;
    }
    const { head, tail, len } = w;
    w.reset();
    if (len > MAX_FRAME) return false;
    w.uint32(0x0a).uint32(len); // field 1 of Batch, as ldelim writes it: its tag could not be taken back
    if (len > 0) {
      w.tail.next = head.next;
      w.tail = tail;
      w.len += len;
    }
    if (w.len > GOOD_BATCH) {
      this.#full.push(w.finish());
      this.#gathered += w.len;
      this.#writer = undefined;
    }
    if (this.#blocked && this.#gathered > MAX_PENDING) {
      this.close();
      this.#fail(new Error('the host does not read'));
      return true;
    }
    if (!this.#scheduled && !this.#blocked) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
    return true;
  }

  /** flush writes what is queued, as far as the host reads. */
  flush() {
    while (!this.#blocked && !this.#over && (this.#full.length > 0 || this.#writer)) {
      let batch = this.#full.shift();
      if (batch) this.#gathered -= batch.length;
      else {
        batch = this.#writer.finish();
        this.#writer = undefined;
      }
      if (this.#stream.write(batch) === false) this.#blocked = true;
    }
  }

  /** close drops what is queued: nobody hears it. */
  close() {
    this.#over = true;
    this.#writer = undefined;
    this.#full = [];
    this.#gathered = 0;
  }
}

/** eachFrame reads a batch. */
export function eachFrame(batch, handle) {
  const r = protobuf.Reader.create(batch);
  while (r.pos < r.len) {
    const tag = r.uint32();
    if (tag !== 0x0a) {
      r.skipType(tag & 7);
      continue;
    }
    const n = r.uint32();
    if (n > MAX_FRAME) throw new Error(`a frame of more than ${MAX_FRAME} bytes`);
    handle(pb.Frame.decode(r, n));
  }
}
