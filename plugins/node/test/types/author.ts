// What an author writes, as the compiler sees it. Lines with @ts-expect-error must not compile.
import { NextError, StageError, answer, duration, secret, serve, stage, type Secret } from '@leatdev/plugin';
import { open } from '@leatdev/plugin/testing';

interface Config {
  key: Secret;
  every: number;
}

export const tenant = stage<Config, { seen: number }>('tenant', {
  doc: 'Adds the tenant.',
  needs: { request: { edit: ['x-tenant'], call: ['subject'] }, response: { body: 'full' }, answer: true },
  config: { key: secret({ required: true }), every: duration({ default: '5s' }) },
  check: (config) => (config.every > 0 ? [] : [{ path: 'every', message: 'it must pass', hint: '"5s"' }]),
  open: () => ({ seen: 0 }),
}, async (config, req, next, settings) => {
  settings.state.seen++;
  req.headers.set('x-tenant', req.call.subject);
  req.headers.set('x-mac', config.key.reveal());
  req.url = new URL(req.url);
  if (req.method === 'TRACE') return answer(405, { allow: ['GET', 'POST'] }, 'no');
  if (req.method === 'OPTIONS') return new Response(null, { status: 204 });
  try {
    const resp = await next(req);
    const body = await resp.json<{ ok: boolean }>();
    resp.body = JSON.stringify({ ...body, seen: settings.state.seen });
    return resp;
  } catch (err) {
    if (err instanceof NextError) throw new StageError('server', 'away', { class: err.class, cause: err });
    throw err;
  }
});

// @ts-expect-error: there is no such kind
new StageError('oops', 'x');
// @ts-expect-error: there is no such word
stage('a', { needs: { request: { call: ['tenant'] } } }, (_c, req, next) => next(req));
// @ts-expect-error: a stage returns a response
stage('b', (_c, req) => req);
// @ts-expect-error: it can't be written
stage('c', (_c, req, next) => ((req.replayable = true), next(req)));

export async function check(): Promise<string> {
  const t = await open(tenant, { config: { key: { env: 'KEY' } } });
  const out = await t.send({ subject: 'ada' }, (sent) => ({ status: 200, headers: { 'x-was': sent.headers.get('x-tenant') ?? '' } }));
  return out.error?.kind ?? out.text();
}

serve({ name: 'tenant' });
