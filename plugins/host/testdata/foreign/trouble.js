// Stands for the SDK in a plugin's folder, and brings the trouble over its stages that the subject of a call asks for.
import { writeSync } from 'node:fs';

import { stage as original } from 'SDK';

export * from 'SDK';

const LINES = ['{"@level":5}', '{"@level":{}}', '{"@message":[]}', '{', '{"level":"info","msg":7}', 'null', '[]'];

// Writes past the SDK what harms a host that is not careful, whatever the reader's pace.
const write = (to) => {
  const text = [...LINES, `long on ${to}${'x'.repeat(4 << 20)}`, `the last on ${to}`].map((line) => `${line}\n`).join('');
  for (let rest = Buffer.concat([Buffer.from([0xff, 0x0a]), Buffer.from(text)]); rest.length > 0;) {
    try {
      rest = rest.subarray(writeSync(to, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
};

/** The SDK's, for a function that gets a next of its own: what that throws, it throws. */
export const stage = (name, options, run) => original(name, options, (config, req, next) => {
  const what = req.call.subject;
  if (what.startsWith('write-')) write(Number(what.at(-1)));
  return run(config, req, async (out) => {
    if (what === 'panic') throw new Error('as it was asked to');
    const resp = await next(out);
    if (what === 'panic-after') throw new Error('as it was asked to');
    return resp;
  });
});
