// Every page that can be reached by links, with something on it: judged in every look and in German, and nothing of it runs
// as script.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOOKS, MORE_LOOKS } from './support/browser.js';
import { NASTY, fill, settle } from './support/data.js';
import { stage } from './support/stage.js';

/** Pages of one kind are looked at this often. */
const OF_A_KIND = 2;
const MAX_PAGES = 200;
/** Windows that are walked in at the same time. */
const WINDOWS = 2;

const on = stage(async (stage) => {
  const { client } = await fill(stage.server);
  const person = await stage.operator();
  await settle(person, client);
  await person.leave();
});

/** The kind of a page: its path with what names one thing left out. */
function kindOf(path) {
  const names = ['shop', 'grace', 'admin', 'demo', 'grantor-console', 'demo-public', 'demo-confidential', 'EdDSA'];
  return path.split('/').map((part) => (/\d/.test(part) || names.includes(part) || part.includes(':') || part.includes('%') ? '*' : part)).join('/');
}

/** The pages that a page leads to. */
async function linksOf(person) {
  const links = await person.page.locator('a[href]').evaluateAll((all) => all.map((link) => link.href));
  const ours = links.map((href) => new URL(href)).filter(({ origin }) => origin === on.server.issuer);
  const pages = ours.filter(({ pathname }) => /^\/(console|account)(\/|$)/.test(pathname) && !pathname.endsWith('/export'));
  return pages.map(({ pathname, search }) => pathname + search);
}

/** Opens one page and judges it. */
async function look(person, path, name, ...looks) {
  const response = await person.open(path);
  assert.equal(response.status(), 200, `${path}: ${await person.text()}`);
  await person.judge(`everywhere${name}`, ...looks);
  assert.equal(await person.page.locator('img[src=x], main script').count(), 0, `markup of somebody's on ${path}`);
}

/** Looks at one page: the first of its kind in every look and in German, others where there is least room. */
async function lookAll({ english, german }, path, kind, already) {
  const name = kind.replaceAll('/', '-').replaceAll('*', 'x');
  await look(english, path, `${name}${already || ''}`, ...(already ? [] : [LOOKS[0], ...MORE_LOOKS]));
  // German has the longer words.
  if (!already) {
    await look(german, path, `${name}-german`);
    assert.equal(await german.page.getAttribute('html', 'lang'), 'de', path);
  }
  return linksOf(english);
}

async function walk(windows) {
  const waiting = ['/console', '/account'];
  const seen = new Set(waiting);
  const kinds = new Map();
  const next = async (window) => {
    const path = waiting.shift();
    const kind = kindOf(path.split('?')[0]);
    const already = kinds.get(kind) ?? 0;
    if (already >= OF_A_KIND || kinds.size >= MAX_PAGES) return;
    kinds.set(kind, already + 1);
    const links = await lookAll(window, path, kind, already);
    links.filter((link) => !seen.has(link)).forEach((link) => waiting.push(seen.add(link) && link));
  };
  while (waiting.length > 0) await Promise.all(windows.slice(0, waiting.length).map(next));
  return kinds;
}

test('every page in every look', async () => {
  const windows = [];
  for (let window = 0; window < WINDOWS; window += 1) {
    windows.push({ english: await on.operator({ look: LOOKS[1] }), german: await on.operator({ look: LOOKS[1], locale: 'de-AT' }) });
  }
  const kinds = await walk(windows);
  const own = ['', '/edit', '/rotate', '/revoke', '/delete'].map((page) => `/account/access-keys/*${page}`);
  const reached = [...own, '/account/tokens/*/revoke', '/account/apps/*/disconnect', '/console/access-keys/*/usage', '/console/clients/*', '/console/audit'];
  for (const kind of reached) assert.ok(kinds.has(kind), `${kind} was not reached, only ${[...kinds.keys()].join(' ')}`);
  assert.ok(kinds.size > 50, `only ${kinds.size} kinds of pages were reached`);
  for (const { english, german } of windows) {
    await english.leave();
    await german.leave();
  }
});

test('what somebody typed is shown as it is', async () => {
  const person = await on.operator();
  await person.open('/console/access-keys?q=Backend');
  assert.ok((await person.text()).includes(NASTY));
  await person.leave();
});
