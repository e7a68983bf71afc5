// The partner, to try the example with: its odd identity provider and its odd API. `node upstream.js` serves it on 127.0.0.1:8099.
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

/** partner makes the server. uses: how many requests a ticket is good for, before the partner calls it expired. */
export function partner({ app = 'demo', key = 'demo-key', uses = 3 } = {}) {
  const nonces = new Set();
  const tickets = new Map();
  const count = { sessions: 0, requests: 0 };

  async function route(req, res) {
    const { pathname } = new URL(req.url, 'http://partner');
    const body = new URLSearchParams(await text(req));
    const json = (value) => res.setHeader('content-type', 'application/json').end(JSON.stringify(value));
    if (pathname === '/nonce') {
      const nonce = randomUUID();
      nonces.add(nonce);
      return res.end(nonce);
    }
    if (pathname === '/session') {
      const nonce = body.get('nonce') ?? '';
      const want = createHmac('sha256', key).update(`${nonce}:${app}`).digest();
      const got = Buffer.from(body.get('proof') ?? '', 'hex');
      if (!nonces.delete(nonce) || body.get('app') !== app || got.length !== want.length || !timingSafeEqual(got, want)) {
        return json({ state: 'error', code: 'E-1000', text: 'no such session' });
      }
      count.sessions++;
      const ticket = randomUUID();
      tickets.set(ticket, uses);
      return json({ state: 'ok', ticket, minutes: 5 });
    }
    if (pathname.startsWith('/public/')) return json({ state: 'ok', ticket: req.headers['x-partner-ticket'] !== undefined });
    count.requests++;
    const ticket = req.headers['x-partner-ticket'];
    const left = tickets.get(ticket) ?? 0;
    if (left === 0) return json({ state: 'error', code: 'E-4711', text: 'token expired' });
    tickets.set(ticket, left - 1);
    return json({ state: 'ok', order: pathname.split('/').pop() });
  }

  const server = createServer((req, res) => {
    route(req, res).catch((err) => res.writeHead(500).end(String(err.message)));
  });
  return { server, count };
}

async function text(req) {
  let out = '';
  for await (const chunk of req) out += chunk;
  return out;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { server } = partner();
  server.listen(Number(process.env.PORT ?? 8099), '127.0.0.1', () => console.log(`the partner is at http://127.0.0.1:${server.address().port}`));
}
