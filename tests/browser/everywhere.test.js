// Every page that can be reached by links, with something on it: judged in each look, and nothing of it runs as script.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from '../clients/support/server.js';
import { LOOKS, Person, launch } from './support/browser.js';
import { NASTY, fill } from './support/data.js';

/** Pages of one kind are looked at this often. */
const OF_A_KIND = 2;
const MAX_PAGES = 200;

let server;
let browser;
before(async () => {
  [server, browser] = await Promise.all([startServer(), launch()]);
  await fill(server);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** The kind of a page: its path with what names one thing left out. */
function kindOf(path, server) {
  const names = ['shop', 'grace', 'admin', 'demo', 'grantor-console', 'demo-public', 'demo-confidential'];
  return path.split('/').map((part) => (/\d/.test(part) || names.includes(part) || part.includes(':') || part.includes('%') ? '*' : part)).join('/');
}

async function walk(person) {
  const waiting = ['/console', '/account'];
  const seen = new Set(waiting);
  const kinds = new Map();
  while (waiting.length > 0 && kinds.size < MAX_PAGES) {
    const path = waiting.shift();
    const kind = kindOf(path.split('?')[0], server);
    const already = kinds.get(kind) ?? 0;
    if (already >= OF_A_KIND) continue;
    kinds.set(kind, already + 1);
    const response = await person.open(path);
    assert.equal(response.status(), 200, `${path}: ${await person.text()}`);
    await person.judge(`everywhere${kind.replaceAll('/', '-').replaceAll('*', 'x')}${already || ''}`);
    assert.equal(await person.page.locator('img[src=x], main script').count(), 0, `markup of somebody's on ${path}`);
    const links = await person.page.locator('a[href]').evaluateAll((all) => all.map((link) => link.href));
    for (const link of links.map((href) => new URL(href)).filter(({ origin }) => origin === server.issuer)) {
      const next = link.pathname + link.search;
      const download = link.pathname.endsWith('/export');
      if (/^\/(console|account)(\/|$)/.test(link.pathname) && !download && !seen.has(next)) {
        seen.add(next);
        waiting.push(next);
      }
    }
  }
  return kinds;
}

for (const look of LOOKS) {
  test(`every page, ${look.name}`, async () => {
    const person = await Person.at(browser, server, { look });
    person.page.on('dialog', (dialog) => {
      person.complaints.push(`a script ran: ${dialog.message()}`);
      return dialog.dismiss();
    });
    await person.signIn(server.demo.admin);
    const kinds = await walk(person);
    for (const kind of ['/console/access-keys', '/console/access-keys/*/usage', '/console/clients/*', '/console/audit', '/account/apps']) {
      assert.ok(kinds.has(kind), `${kind} was not reached, only ${[...kinds.keys()].join(' ')}`);
    }
    assert.ok(kinds.size > 50, `only ${kinds.size} kinds of pages were reached`);
    await person.leave();
  });
}

test('what somebody typed is shown as it is', async () => {
  const person = await Person.at(browser, server);
  await person.signIn(server.demo.admin, '/console/access-keys?q=Backend');
  assert.ok((await person.text()).includes(NASTY));
  await person.leave();
});
