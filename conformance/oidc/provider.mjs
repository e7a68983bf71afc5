// An OpenID provider that rotates refresh tokens and revokes the whole grant when one is used twice, an API that takes its access
// tokens, and a ledger of what happened. Arguments: seconds that an access token lives. It prints its origin, and ends with its stdin.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const lifetime = Number(process.argv[2] ?? 2);
const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const origin = `http://127.0.0.1:${server.address().port}`;

const client = {
  client_id: 'leat',
  client_secret: 'a-secret-that-only-this-test-knows',
  redirect_uris: ['https://client.example/callback'],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'client_secret_basic',
};
const provider = new Provider(origin, {
  clients: [client],
  rotateRefreshToken: true,
  scopes: ['openid', 'offline_access'],
  ttl: { AccessToken: lifetime, IdToken: 3600, RefreshToken: 86400, Grant: 86400 },
  features: { devInteractions: { enabled: false } },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});

// Each entry is [milliseconds since the start, what happened].
const ledger = [];
const began = performance.now();
const note = (what) => ledger.push([Math.round(performance.now() - began), what]);
provider.on('grant.success', (ctx) => note(`granted ${ctx.oidc.params.grant_type}`));
provider.on('grant.error', (ctx, err) => note(`refused ${err.error}: ${err.error_detail ?? ''}`));
provider.on('grant.revoked', () => note('revoked'));
provider.on('server_error', (ctx, err) => note(`failed ${err.message}`));

// seed gives the refresh token that a login in a browser would end with.
async function seed() {
  const accountId = 'ada';
  const registered = await provider.Client.find(client.client_id);
  const grant = new provider.Grant({ accountId, clientId: client.client_id });
  grant.addOIDCScope('openid offline_access');
  const grantId = await grant.save();
  const token = new provider.RefreshToken({
    accountId, client: registered, grantId, gty: 'authorization_code', scope: 'openid offline_access', rotations: 0, iiat: Math.floor(Date.now() / 1000),
  });
  return token.save();
}

const json = (res, status, body) => {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(JSON.stringify(body));
};

const oidc = provider.callback();
let accepted = 0;
let refused = 0;
server.on('request', async (req, res) => {
  switch (req.url) {
    case '/seed':
      return json(res, 200, { refresh_token: await seed() });
    case '/ledger':
      return json(res, 200, { ledger, accepted, refused });
    case '/api': {
      const token = await provider.AccessToken.find((req.headers.authorization ?? '').replace(/^Bearer /, ''));
      if (token?.isValid) {
        accepted += 1;
        return json(res, 200, { account: token.accountId });
      }
      refused += 1;
      return json(res, 401, { error: 'invalid_token' });
    }
    default:
      return oidc(req, res);
  }
});

process.stdin.on('end', () => process.exit(0)).resume(); // nobody is left to answer
console.log(origin);
