// The pages of docs/apps: each one's command and snippet are taken from the page and run.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { Browser } from './support/browser.js';
import { cleanEnvironment, freePort, startServer, within } from './support/server.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const LIMIT_MS = 60_000;

let server;
let folder;

before(async () => {
  server = await startServer();
  // Below this folder, so that imports find the libraries.
  folder = await mkdtemp(join(HERE, 'guide-'));
});

after(async () => {
  await server?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** The first shell block and the first script of a page, for this server; `replaced` maps what else the page names. */
async function guide(page, replaced = {}) {
  const text = await readFile(new URL(`../../docs/apps/${page}.md`, import.meta.url), 'utf8');
  const block = (kind) => new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\``, 'ms').exec(text)?.[1];
  const fill = (part) => Object.entries({ 'http://127.0.0.1:8080': server.issuer, ...replaced })
    .reduce((filled, [from, to]) => filled.replaceAll(from, to), part);
  return { register: fill(block('sh')), script: fill(block('js')) };
}

/** A snippet as a program of its own; `line(pattern)` waits for what it prints. */
async function start(name, script, env = {}) {
  const file = join(folder, `${name}.mjs`);
  await writeFile(file, script);
  const child = spawn(process.execPath, [file], { cwd: folder, env: { ...cleanEnvironment(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const printed = [];
  const waiting = [];
  const look = () => {
    for (const one of [...waiting]) {
      const found = printed.map((text) => one.pattern.exec(text)).find(Boolean);
      if (found) {
        waiting.splice(waiting.indexOf(one), 1);
        one.resolve(found);
      }
    }
  };
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (text) => {
      printed.push(text);
      look();
    });
  }
  const died = exited.then(([code]) => new Promise((_, reject) => {
    // What it printed last may still be on its way.
    setImmediate(() => reject(new Error(`${name} ended with ${code}:\n${printed.join('\n')}`)));
  }));
  died.catch(() => {});
  return {
    line: (pattern) => within(LIMIT_MS, `${name}: ${pattern}`, Promise.race([
      new Promise((resolve) => {
        waiting.push({ pattern, resolve });
        look();
      }), died])),
    ended: () => within(LIMIT_MS, `${name} ending`, exited).then(([code]) => code),
    stop: () => child.kill(),
  };
}

const secretOf = (printed) => /cs_\w+/.exec(printed)[0];

test('a single-page app', async () => {
  const { register, script } = await guide('single-page-app');
  await server.shell(register);
  const file = join(folder, 'spa.mjs');
  await writeFile(file, script);
  const saved = new Map();
  let went;
  const page = {
    location: { origin: 'http://localhost:5173', href: 'http://localhost:5173/', assign: (url) => { went = url; } },
    history: { replaceState: () => {} },
    sessionStorage: {
      setItem: (name, value) => saved.set(name, value), getItem: (name) => saved.get(name), removeItem: (name) => saved.delete(name),
    },
  };
  for (const [name, value] of Object.entries(page)) Object.defineProperty(globalThis, name, { value, configurable: true });
  try {
    const app = await import(pathToFileURL(file));
    await app.signIn();
    const { parameters, shown } = await new Browser(server.issuer).authorize(went, server.demo.user);
    assert.deepEqual(shown, ['login', 'consent']);
    page.location.href = parameters.href;
    assert.equal((await app.finishSignIn()).preferred_username, server.demo.user.username);
    // An API that refuses the first access token: the page refreshes and tries again.
    const seen = [];
    const reply = globalThis.fetch;
    globalThis.fetch = async (url, init) => {
      if (String(url) !== 'https://api.example/orders') return reply(url, init);
      seen.push(init.headers.authorization);
      return new Response('', { status: seen.length === 1 ? 401 : 200 });
    };
    try {
      assert.equal((await app.call('https://api.example/orders')).status, 200);
    } finally {
      globalThis.fetch = reply;
    }
    assert.equal(new Set(seen).size, 2);
    await app.signOut();
  } finally {
    for (const name of Object.keys(page)) delete globalThis[name];
  }
});

test('a server-side web app', async () => {
  const home = `http://localhost:${await freePort()}`;
  const { register, script } = await guide('web-app', { 'http://localhost:3000': home });
  const app = await start('web-app', script, { CLIENT_SECRET: secretOf(await server.shell(register)) });
  try {
    await app.line(/^listening/);
    let cookie;
    const get = async (url) => {
      const response = await fetch(url, { headers: cookie ? { cookie } : {}, redirect: 'manual' });
      cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
      return response;
    };
    assert.match(await (await get(`${home}/`)).text(), /^Nobody/);
    const before = cookie;
    const browser = new Browser(server.issuer);
    const { parameters } = await browser.authorize((await get(`${home}/login`)).headers.get('location'), server.demo.user);
    const back = await get(parameters);
    assert.equal(back.status, 303);
    assert.notEqual(cookie, before);
    assert.equal(await (await get(`${home}/`)).text(), `Hello, ${server.demo.user.username}. /logout`);
    assert.equal((await get(parameters)).status, 400, 'an answer is taken once');
    const away = new URL((await get(`${home}/logout`)).headers.get('location'));
    assert.equal(away.origin, new URL(server.issuer).origin);
    const { parameters: landed } = await browser.authorize(away, server.demo.user);
    assert.equal(landed.href, `${home}/`);
    const { shown } = await browser.authorize((await get(`${home}/login`)).headers.get('location'), server.demo.user);
    assert.deepEqual(shown.slice(0, 1), ['login'], 'the session at the server has ended too');
  } finally {
    app.stop();
  }
});

test('a native app', async () => {
  const { register, script } = await guide('native-app');
  await server.shell(register);
  const app = await start('native-app', script);
  const [, url] = await app.line(/^Open (\S+)$/);
  const { parameters } = await new Browser(server.issuer).authorize(url, server.demo.user);
  assert.match(await (await fetch(parameters)).text(), /close this page/);
  const [, who] = await app.line(/^Signed in as (.*)$/);
  assert.equal(who, server.demo.user.username);
  assert.equal(await app.ended(), 0);
});

test('a machine with a key', async () => {
  const { register, script } = await guide('machine');
  const first = await start('machine', script);
  assert.equal(await first.ended(), 0);
  await server.shell(register, folder);
  const second = await start('machine', script);
  await second.line(/^a token for orders:read, good for 900 seconds$/);
  assert.equal(await second.ended(), 0);
});

test('a device without a keyboard', async () => {
  const { register, script } = await guide('device');
  await server.shell(register);
  const app = await start('device', script);
  const [, uri, code] = await app.line(/^Open (\S+) and type (\S+)$/);
  await new Browser(server.issuer).approveDevice(uri, code, server.demo.user);
  const [, who] = await app.line(/^Signed in as (.*)$/);
  assert.equal(who, server.demo.user.username);
  assert.equal(await app.ended(), 0);
});
