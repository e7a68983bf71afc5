// What a stage returned or threw, for the host.
import { BodyError, StageError, internal, toWire, within } from './error.js';
import { LEVELS } from './log.js';
import { StageResponse, answerOf } from './response.js';
import { causes, chain, is, messageOf, nameOf, stackOf } from './thrown.js';

/** returned writes what the stage has returned: edits of the last response, or the stage's own answer. */
export async function returned(x, value, out) {
  if (value instanceof StageResponse) {
    if (value !== x.last.response) throw internal('the stage returned the response of an earlier next, or of another request');
    if (value.dropped) throw internal('the stage returned a response that it has dropped');
    const edits = value.edits();
    if (edits) out.edits = edits;
    return;
  }
  const answer = await answerOf(value);
  if (!answer) {
    const what = value === undefined ? 'nothing' : `a ${value === null ? 'null' : typeof value === 'object' ? value.constructor?.name ?? 'object' : typeof value}`;
    throw internal(`the stage returned ${what}: return what next gave ("return next(req)"), or answer(status, headers, body)`);
  }
  out.response = answer.toWire(x);
}

/** checkParted tells where a stage that never sees the response returned another. */
export function checkParted(x, value) {
  if (value === x.last.response || value === undefined) return;
  tellParted(x, new Error('it returned a response of its own'));
}

/** tellParted tells what a stage did after its part was over. */
export function tellParted(x, err) {
  x.instance.put(8, 'stage did more after next than its needs, which have no response: nothing comes of it', [
    { key: 'did', text: is(err, StageError) ? messageOf(err) : stackOf(err) }, ...causes(err),
  ]);
}

/** failure writes an error for the host, which keeps the causes of its own. */
export function failure(x, err) {
  const e = within(err, (c) => is(c, StageError)) ?? abortion(x, err);
  if (!e) return panic(x, err);
  let w;
  try {
    w = toWire(e);
  } catch (odd) { // of a class of the author's, say, that has its own idea of headers
    return panic(x, odd);
  }
  w.stage ||= x.instance.settings.stage;
  w.ofResult = x.last.error !== undefined && within(err, (c) => c === x.last.error) !== undefined;
  const broke = x.last.response?.broke;
  w.ofBody = broke instanceof BodyError && within(err, (c) => c === broke) !== undefined;
  if (!w.ofResult && !w.ofBody && x.level <= LEVELS.debug) { // of those the host has the cause
    const made = causes(err);
    if (made.length > 0) x.instance.put(LEVELS.debug, 'stage failed', [{ key: 'error', text: messageOf(err) }, ...made], x);
  }
  return w;
}

/** abortion returns what an AbortError means that a library threw because of the exchange's signal. */
function abortion(x, err) {
  const aborted = x.aborter?.signal.aborted && ['AbortError', 'TimeoutError'].includes(nameOf(err));
  return aborted ? x.aborter.signal.reason : undefined;
}

function panic(x, err) {
  const shown = is(err, Error) ? `${nameOf(err)}: ${messageOf(err)}` : `it threw ${messageOf(err)}`;
  const because = chain(err);
  const message = because.length > 0 ? `${shown} (cause: ${because.join(': ')})` : shown;
  x.instance.put(LEVELS.error, 'stage panicked', [{ key: 'error', text: shown.slice(0, 4096) }, { key: 'stack', text: is(err, Error) ? stackOf(err) : '' }, ...causes(err)], x);
  return panicked(x, `panic: ${message}`);
}

/** panicked is the error of a stage that broke, for the host. */
export const panicked = (x, message) => ({ ...toWire(internal(message)), panic: true, stage: x.instance.settings.stage });
