// What the tests of recorded frames talk to, in JavaScript; recorded_stages_test.go has it in Go.
import { stage, serve, answer, NextError, StageError } from '../../../node/src/index.js';

const up = { headers: ['x-up'] };

stage('edit', {
  doc: 'Changes a bit of everything, and says so.',
  config: { mark: { type: 'string', default: 'm' } },
  check: (config) => (config.mark.includes('\n') ? [{ path: 'mark', message: 'mark must be one line' }] : []),
  needs: {
    request: {
      headers: ['x-in', 'x-gone'], query: true, edit: ['x-out', 'x-two', 'x-gone', ':method', ':url'],
      call: ['subject', 'operation', 'labels', 'idempotency_key'],
    },
    response: { headers: ['x-up'], edit: ['x-seen', ':status'] },
  },
}, async (config, req, next) => {
  const { call } = req;
  req.span.startSpan('work', { attributes: { size: 3 } }).end();
  req.log.info('seen', { n: 1, text: 'in' });
  req.headers.set('x-out', [config.mark, req.headers.get('x-in'), call.subject, call.operation, call.labels.team, call.idempotencyKey].join(':'));
  req.headers.set('x-two', ['a', 'b']);
  req.headers.delete('x-gone');
  req.method = 'PUT';
  req.url = `${req.url}&more=1`;
  const resp = await next(req);
  resp.status = 202;
  resp.headers.set('x-seen', resp.headers.get('x-up'));
  return resp;
});

stage('last', { needs: { request: { edit: ['x-out'] }, credentials: ['key'] } }, (_config, req, next) => {
  req.call.attach('key');
  req.call.event('noted', { reason: 'why', text: 'of last' });
  req.headers.set('x-out', 'last');
  return next(req);
});

stage('end', { needs: { request: { headers: ['x-do'] }, response: up, answer: true } }, async (_config, req, next) => {
  const what = req.headers.get('x-do');
  switch (what) {
    case 'error':
      throw new StageError('policy', 'no tenant', { class: 'terminal', reason: 'tenant' });
    case 'panic':
      throw new Error('as it was asked to');
    case 'small':
      return answer(203, { 'x-own': 'yes' }, 'own');
    case 'large':
      return answer(203, { 'x-own': 'yes' }, 'l'.repeat(100_000));
    default:
  }
  try {
    return await next(req);
  } catch (error) {
    if (what === 'other' && error instanceof NextError) throw new StageError('server', 'it was made of that', { class: 'terminal', reason: 'made' });
    throw error;
  }
});

stage('twice', { needs: { response: up, retry: true } }, async (_config, req, next) => {
  for (;;) {
    req.call.attempt();
    const resp = await next(req);
    if (resp.status !== 503) return resp;
    resp.drop();
    await req.call.wait(1);
  }
});

const capitals = (bytes) => Buffer.from(bytes).toString().toUpperCase();

stage('bodies', { needs: { request: { body: 'full', edit: [':body'] }, response: { body: 'full', edit: [':body'] } } }, async (_config, req, next) => {
  req.body = capitals(await req.bytes());
  const resp = await next(req);
  resp.body = capitals(await resp.bytes());
  return resp;
});

stage('digest', { needs: { request: { body: 'digest', edit: ['x-out'] } } }, async (_config, req, next) => {
  const { length, sha256 } = await req.digest();
  req.headers.set('x-out', `${length} ${Buffer.from(sha256).subarray(0, 4).toString('hex')}`);
  return next(req);
});

stage('after', { needs: { response: { headers: ['x-up'], edit: ['x-seen'] } } }, async (_config, req, next) => {
  const resp = await next(req);
  resp.headers.set('x-seen', resp.headers.get('x-up'));
  return resp;
});

stage('watch', {
  needs: { calls: true },
  ended: (_config, ended) => ended.log.info('ended', { status: ended.error ? -1 : ended.status }),
}, (_config, req, next) => next(req));

serve();
