// What was thrown, in words. Anything can be thrown, also what throws as one looks at it.
import { textOf } from './log.js';

/** stringOf is String for what anybody may have thrown or logged. */
export function stringOf(value) {
  try {
    return String(value);
  } catch {
    return `(a ${typeof value} that can't be shown)`;
  }
}

/** read is a property of what was thrown, undefined where it can't be read. */
function read(err, key) {
  try {
    return err?.[key];
  } catch {
    return undefined;
  }
}

/** is reports whether what was thrown is of a class. */
export function is(err, Class) {
  try {
    return err instanceof Class;
  } catch {
    return false; // a Proxy may throw here, too
  }
}

/** causeOf returns what an error says that it was made of. */
export const causeOf = (err) => read(err, 'cause');

/** messageOf is what was thrown, in a line. */
export function messageOf(err) {
  const message = is(err, Error) ? read(err, 'message') : undefined;
  return textOf(typeof message === 'string' ? message : err);
}

/** nameOf is an error's name. */
export function nameOf(err) {
  const name = read(err, 'name');
  return typeof name === 'string' && name !== '' ? textOf(name) : 'Error';
}

/** stackOf is what was thrown, with where. */
export function stackOf(err) {
  const stack = is(err, Error) ? read(err, 'stack') : undefined;
  return textOf(typeof stack === 'string' ? stack : messageOf(err));
}

/** chain is what an error was made of, from the outermost cause on: each in a few words. */
export function chain(err) {
  const list = [];
  for (let e = causeOf(err); e !== undefined && e !== null && list.length < 5; e = causeOf(e)) {
    const parts = [messageOf(e), read(e, 'code')].filter((s) => typeof s === 'string' && s !== '');
    list.push((parts[0]?.includes(parts[1]) ? parts[0] : parts.join(' ')).slice(0, 200) || nameOf(e));
  }
  return list;
}

/** causes is the attribute of a record with the stacks of what an error was made of, none if there is nothing. */
export function causes(err) {
  const list = [];
  for (let e = causeOf(err); e !== undefined && e !== null && list.length < 5; e = causeOf(e)) {
    const code = read(e, 'code');
    list.push(`${stackOf(e)}${typeof code === 'string' ? ` (${code})` : ''}`);
  }
  return list.length > 0 ? [{ key: 'cause', text: textOf(list.join('\ncaused by ')) }] : [];
}
