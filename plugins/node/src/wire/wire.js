// The protocol's messages, limits and numbers.
import Long from 'long';
import { leat } from './plugin.js';

/** The messages of the protocol, as protobufjs makes them. */
export const pb = leat.plugin.v1;

export const SDK = 'node 0.1.0';
export const PROTOCOL = 1;
export const COOKIE = { key: 'LEAT_PLUGIN', value: 'leat-plugin-v1' };

/** Limits in bytes. */
export const MAX_FRAME = 1 << 20;
export const MAX_INLINE = 64 << 10;
export const MAX_MESSAGE = MAX_FRAME + (1 << 18);
export const MAX_BODY = 2 ** 30;
/** What a chunk of a body holds: with what is around it less than the 32 KiB that are allowed. */
export const GOOD_CHUNK = (32 << 10) - 64;
/** The default of `body_limit`. */
export const BODY_LIMIT = 1 << 20;
/** The most that is under way in one session. */
export const MAX_EXCHANGES = 1 << 16;

/**
 * keyOf returns an exchange's number as the key of a Map: the numbers are of 64 bits, more than JavaScript's hold.
 * @param {Long | number} n
 */
export function keyOf(n) {
  if (typeof n === 'number') return n;
  return n.high === 0 ? n.low >>> 0 : n.toString();
}

/** numberOf returns a 64-bit number as JavaScript's, which is exact up to 2^53. */
export function numberOf(n) {
  return typeof n === 'number' ? n : n.toNumber();
}

/** milliseconds of a duration on the wire. */
export const milliseconds = (n) => numberOf(n) / 1e6;

/** nanoseconds of a duration or a time in milliseconds. */
export const nanoseconds = (ms) => Long.fromNumber(Math.round(ms * 1e6));

/** now in milliseconds since 1970, with their fraction. */
export const now = () => performance.timeOrigin + performance.now();
