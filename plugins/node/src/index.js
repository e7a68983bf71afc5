// Stages of leat pipelines in a process of their own, written in JavaScript. README.md explains it; index.d.ts has the types.
import { Answer } from './response.js';

export { stage } from './stage.js';
export { serve } from './serve.js';
export { StageError, NextError, BodyError } from './error.js';
export { Headers } from './headers.js';
export { secret, duration } from './schema.js';
export { Secret, SecretError } from './secret.js';
export { log } from './log.js';

/** answer makes a response of a stage's own, in place of the upstream's. */
export const answer = (status, headers = {}, body = undefined) => new Answer(status, headers, body);
