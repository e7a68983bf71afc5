// The stage: it says which requests carry the partner's ticket, and recognises the answer that says that one is over.
import { StageError, stage } from '@leatdev/plugin';

const CREDENTIAL = 'partner'; // of [credentials.partner]: the stage knows its name, and never what it holds
const LIMIT = 64 << 10; // the partner's refusals are short

export const token = stage('token', {
  doc: "Has the partner's ticket attached, and a new one fetched where the partner says, with status 200, that it has expired.",
  needs: {
    request: { call: ['subject'] },
    response: { headers: ['content-type'], body: 'full', body_limit: LIMIT },
    retry: true,
    credentials: [CREDENTIAL],
  },
  config: {
    rules: {
      type: 'array',
      doc: 'The first whose path fits counts; without one the ticket is attached.',
      default: [],
      items: {
        type: 'object',
        properties: {
          path: { type: 'string', pattern: '^/', required: true, doc: 'What the path of the URL begins with.' },
          attach: { type: 'boolean', default: true, doc: 'false: these requests go without a ticket.' },
          subject: { type: 'string', doc: "On whose behalf, for a credential that is per subject. Default: the call's subject." },
        },
      },
    },
  },
}, async (config, req, next) => {
  const path = req.path;
  const rule = config.rules.find((r) => path.startsWith(r.path)) ?? { attach: true };
  if (!rule.attach) {
    req.call.skipCredential('exempt');
    return next(req);
  }
  req.call.attach(CREDENTIAL, { subject: rule.subject ?? req.call.subject });
  const resp = await next(req);
  if (!(await saysExpired(resp))) return resp;

  req.call.reject(CREDENTIAL); // the next send waits for a newer one, as do all other calls
  if (!req.replayable) throw new StageError('unauthorized', 'the ticket has expired, and the body can\'t be sent again');
  req.call.event('ticket_expired');
  const second = await next(req);
  if (await saysExpired(second)) throw new StageError('unauthorized', 'the partner refused a new ticket, too', { status: second.status });
  return second;
});

/** saysExpired reads the partner's odd refusal: status 200, and {"state": "error", "code": "E-4711"}. */
async function saysExpired(resp) {
  const type = resp.headers.get('content-type') ?? '';
  if (resp.status !== 200 || resp.stream || resp.length > LIMIT || !type.startsWith('application/json')) return false;
  try {
    const said = await resp.json();
    return said?.state === 'error' && said.code === 'E-4711';
  } catch (err) {
    if (err instanceof StageError && (err.kind === 'parse' || err.kind === 'policy')) return false; // no JSON, or a long answer: no refusal
    throw err;
  }
}
