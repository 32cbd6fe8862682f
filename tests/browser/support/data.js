// Something on every page: one of each thing, with names that try to run as script.
export const NASTY = `"><script>alert(1)</script><img src=x onerror=alert(2)>`;

/** The same with a word that is wider than a small window. */
const NAME = `${NASTY}${'W'.repeat(30)}`;

/** One of each, by the admin API; answers their ids. */
export async function fill(server) {
  const admin = (method, path, body) => server.admin(method, path, body);
  await admin('POST', '/v1/projects', { id: 'shop', name: `Shop ${NAME}`, description: NASTY });
  await admin('POST', '/v1/scopes', { name: 'parcels:read', description: `See parcels ${NAME}` });
  const account = await admin('POST', '/v1/service-accounts', { name: `Robot ${NAME}`, description: NASTY, scopes: ['orders:read', 'orders:write'] });
  const client = await admin('POST', '/v1/clients', {
    client_name: `Web shop ${NAME}`,
    description: NASTY,
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['https://shop.example/callback'],
    scope: 'openid orders:read',
  });
  const user = await admin('POST', '/v1/users', { username: 'grace', password: 'a long enough passphrase', name: `Grace ${NAME}` });
  const owner = { type: 'service_account', id: account.id };
  const members = { description: NASTY, owner, scopes: ['orders:read'] };
  const key = await admin('POST', '/v1/access-keys', { name: `Backend ${NAME}`, projects: ['shop'], ...members });
  for (let number = 1; number <= 60; number += 1) {
    await admin('POST', '/v1/access-keys', { name: `Key ${number}`, ...members });
  }
  const { items } = await admin('GET', '/v1/users?q=admin');
  const operator = items.find(({ username }) => username === server.demo.admin.username);
  await admin('POST', '/v1/access-keys', { name: `Mine ${NAME}`, ...members, owner: { type: 'user', id: operator.id } });
  const workflow = await admin('POST', '/v1/workflows', {
    client_id: client.client_id, client_secret: client.client_secret, name: `Embed ${NAME}`, scopes: ['orders:read'], allowed_origins: ['https://shop.example'],
  });
  // Used, refused, and used from a browser that says something of itself that it should not.
  for (const scope of ['orders:read', 'orders:write', 'orders:read']) {
    await admin('POST', '/v1/verify', { credential: key.secret, scopes: [scope] });
  }
  return { client, user, key, account, workflow };
}

/** What somebody makes by themselves: a personal token, and a connected app. */
export async function settle(person, { client_id, redirect_uris: [redirect_uri] }) {
  await person.open('/account/tokens/new');
  await person.page.fill('#token-create-name', `Mine ${NAME}`);
  await person.page.check('input[name=scope][value="orders:read"]');
  await person.press('#token-create');
  const query = new URLSearchParams({
    response_type: 'code', client_id, redirect_uri, scope: 'openid orders:read', code_challenge_method: 'S256',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  });
  await person.allow(redirect_uri);
  await person.open(`/oauth/authorize?${query}`);
  await person.page.click('#consent-allow');
  await person.page.waitForURL(`${redirect_uri}**`);
}
