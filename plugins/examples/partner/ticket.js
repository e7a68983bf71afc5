// The partner's way to a token, which no standard knows: a nonce, signed with the key that we share, buys a ticket for some minutes.
import { createHmac } from 'node:crypto';

/** fetchTicket returns a ticket, and for how many seconds it is good. */
export async function fetchTicket({ url, app, key }, signal = AbortSignal.timeout(8_000)) {
  const nonce = await ask(new URL('/nonce', url), { signal }, (r) => r.text());
  const proof = createHmac('sha256', key).update(`${nonce}:${app}`).digest('hex');
  const said = await ask(new URL('/session', url), { method: 'POST', body: new URLSearchParams({ app, nonce, proof }), signal }, (r) => r.json());
  if (said.state !== 'ok') throw new Error(`the partner gave no ticket: ${said.code}`);
  return { ticket: said.ticket, seconds: said.minutes * 60 };
}

async function ask(url, options, read) {
  const r = await fetch(url, options);
  if (!r.ok) throw new Error(`${options.method ?? 'GET'} ${url.pathname}: the partner answered ${r.status}`);
  return read(r);
}

/** printTicket is `node partner.js token`: what a credential of type command runs. It prints JSON, and never the key. */
export async function printTicket(env, out) {
  const lacks = ['PARTNER_KEY', 'PARTNER_APP'].filter((name) => !env[name]);
  if (lacks.length > 0) throw new Error(`${lacks.join(' and ')} not set: env = ["PARTNER_KEY", "PARTNER_APP"] in [credentials.partner] lets them through`);
  const { ticket, seconds } = await fetchTicket({ url: env.PARTNER_URL || 'http://127.0.0.1:8099', app: env.PARTNER_APP, key: env.PARTNER_KEY });
  out.write(`${JSON.stringify({ access_token: ticket, expires_in: seconds })}\n`);
}
