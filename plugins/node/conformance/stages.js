// Stages that hand everything on as it is: the conformance corpus runs with one of them around each built-in stage.
import { stage, serve } from '../src/index.js';

const LIMIT = 16 << 20;
const seen = { headers: ['*'] };

stage('pass', { doc: 'Hands the request on, and is done.', needs: { request: { ...seen, query: true } } }, (_config, req, next) => next(req));

stage('pass-response', { doc: 'Hands request and response on.', needs: { request: { ...seen, query: true }, response: seen } }, (_config, req, next) => next(req));

stage('pass-bodies', {
  doc: 'Reads both bodies, and hands equal ones on.',
  needs: {
    request: { ...seen, query: true, body: 'full', body_limit: LIMIT, edit: [':body'] },
    response: { ...seen, body: 'full', body_limit: LIMIT, edit: [':body'] },
  },
}, async (_config, req, next) => {
  if (req.length !== 0) req.body = Buffer.from(await req.bytes());
  const resp = await next(req);
  if (!resp.stream && resp.length !== 0) resp.body = Buffer.from(await resp.bytes());
  return resp;
});

serve();
