// A stage that keeps to the protocol, and may come to grief all the same; fault_good_test.go has it in Go.
import { writeSync } from 'node:fs';

import { stage, serve, answer } from '../../../node/src/index.js';

const needs = (body, limit) => ({
  request: { headers: ['*'], edit: ['*'], body, body_limit: limit }, response: { headers: ['*'], edit: ['*'] }, answer: true,
});
const MiB = 1 << 20;
const pid = String(process.pid);

// Ends the process as kill -9 from outside does.
const die = () => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
};

// Writes all of it, whatever the reader's pace.
const write = (fd, data) => {
  for (let rest = data; rest.length > 0;) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
};

stage('good', {
  doc: 'Does what x-do says.',
  config: { do: { type: 'string', default: '' }, request_body: { type: 'string', default: 'none' }, limit: { type: 'string', default: '1MiB' } },
  needs: (config) => needs(config.request_body, parseInt(config.limit, 10) * MiB),
  mostNeeds: needs('full', 1024 * MiB),
}, async (config, req, next) => {
  const what = req.headers.get('x-do') || config.do;
  switch (what) {
    case 'panic':
      throw new Error('as it was asked to');
    case 'die':
      await die();
      break;
    case 'exit':
      process.exit(5);
      break;
    case 'hang':
      await new Promise((resolve) => { req.signal.addEventListener('abort', resolve); });
      break;
    case 'nap':
      await new Promise((resolve) => { setTimeout(resolve, 300); });
      break;
    case 'write':
      write(Number(req.headers.get('x-to')), Buffer.from(`${req.headers.get('x-text').repeat(Number(req.headers.get('x-times')))}\n`));
      return answer(200, { 'x-pid': pid }, 'written');
    default:
  }
  req.headers.set('x-pid', pid);
  const resp = await next(req);
  resp.headers.set('x-pid', pid);
  if (what === 'panic-after') throw new Error('as it was asked to');
  if (what === 'die-after') await die();
  return resp;
});

serve();
