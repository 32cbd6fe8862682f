// Chromium as people use it: small and large, light and dark, with and without script. Every page that is opened is judged:
// by axe-core, by its size and width, by what the browser complains about, by what it asked for, and by texts that are missing.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** WCAG 2.2, levels A and AA, and what axe calls good practice. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** What changes with the scheme alone, in a window that was judged by all rules already. */
const COLOURS = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] };
const MAX_PAGE = 100 * 1024;
const WRITTEN_MS = 20_000;
const SCREENSHOTS = process.env.GRANTOR_SCREENSHOTS ?? join(import.meta.dirname, '..', 'screenshots');

const LARGE = { width: 1440, height: 900 };
const SMALL = { width: 360, height: 740 };

/** The windows and schemes that every journey is gone through in. */
export const LOOKS = [
  { name: 'large-light', viewport: LARGE, colorScheme: 'light' },
  { name: 'small-dark', viewport: SMALL, colorScheme: 'dark' },
];
/** The others: every page is looked at in these, too. */
export const MORE_LOOKS = [
  { name: 'small-light', viewport: SMALL, colorScheme: 'light' },
  { name: 'large-dark', viewport: LARGE, colorScheme: 'dark' },
];

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export async function launch() {
  const executablePath = process.env.CHROMIUM ?? EXECUTABLES.find((path) => existsSync(path));
  assert.ok(executablePath, `no Chromium: install Debian's chromium, or name one with CHROMIUM`);
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

/** Cookies of whoever has signed in already, by server and username: signing in is a journey of its own. */
const signedIn = new WeakMap();

/** A person with a browser window. */
export class Person {
  /** @param {import('playwright-core').Browser} browser */
  static async at(browser, server, options = {}) {
    const { look = LOOKS[0], javaScriptEnabled = true, locale = 'en-GB', timezoneId = 'Asia/Tokyo', ...more } = options;
    const context = await browser.newContext({
      viewport: look.viewport, colorScheme: look.colorScheme, javaScriptEnabled, locale, timezoneId, reducedMotion: 'reduce', ...more,
    });
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.issuer });
    const person = new Person();
    Object.assign(person, { server, context, look, script: javaScriptEnabled, complaints: [], away: [], missing: new Set() });
    await person.#listen();
    person.page = await context.newPage();
    person.page.setDefaultTimeout(20_000);
    return person;
  }

  /** The same, signed in: with the cookies of the first time that somebody of this name was. */
  static async as(browser, server, who, options = {}) {
    const known = signedIn.get(server) ?? signedIn.set(server, new Map()).get(server);
    const person = await Person.at(browser, server, { ...options, storageState: known.get(who.username) });
    if (!known.has(who.username)) {
      await person.signIn(who, '/account');
      known.set(who.username, await person.context.storageState());
    }
    return person;
  }

  /** Whatever goes wrong in the browser is noted, on every page of every journey. */
  async #listen() {
    const note = (what) => this.complaints.push(what);
    this.context.on('console', (message) => {
      // The browser notes every 4xx; those that are wrong are noted below.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) note(message.text());
    });
    this.context.on('weberror', (error) => note(String(error.error())));
    this.context.on('dialog', (dialog) => {
      note(`a script ran: ${dialog.message()}`);
      return dialog.dismiss();
    });
    this.context.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      const ours = origin === this.server.issuer || protocol === 'data:';
      if (!ours && !this.away.some((start) => request.url().startsWith(start))) note(`asked another server: ${request.url()}`);
    });
    this.context.on('response', (response) => {
      const { pathname } = new URL(response.url());
      const status = response.status();
      if (status >= 500 || (status === 404 && !this.missing.has(pathname))) note(`${status} from ${pathname}`);
    });
    if (this.script) {
      await this.context.exposeBinding('noteViolation', (_, what) => note(`the policy was violated: ${what}`));
      await this.context.addInitScript(() => addEventListener('securitypolicyviolation', (event) => {
        globalThis.noteViolation(`${event.violatedDirective} ${event.blockedURI}`);
      }));
    }
  }

  /** This address is of an app of a test's own: something answers there, and the browser may go there. */
  async allow(address, body = 'the app') {
    this.away.push(address);
    await this.context.route(`${address}**`, (route) => route.fulfill({ body }));
  }

  /** Opens a page of the server. */
  async open(path) {
    return this.page.goto(new URL(path, this.server.issuer).href);
  }

  /** Opens a page again until it says this: what was counted is written within seconds. */
  async openUntil(path, what) {
    for (const end = Date.now() + WRITTEN_MS; ;) {
      await this.open(path);
      const shown = await this.text();
      if (what.test(shown)) return;
      assert.ok(Date.now() < end, `${what} is not on ${path}: ${shown}`);
    }
  }

  /** Opens a page that is gone, or somebody else's. */
  async openMissing(path) {
    this.missing.add(new URL(path, this.server.issuer).pathname);
    const response = await this.open(path);
    assert.equal(response.status(), 404, path);
  }

  /** Opens a page, signing in where it is asked for. */
  async signIn({ username, password }, path = '/console') {
    await this.open(path);
    await this.page.fill('#username', username);
    await this.page.fill('#password', password);
    await this.page.click('#login-submit');
    await this.page.waitForSelector('#sign-out');
  }

  /** Presses what leads to another page, and waits for it. */
  async press(selector) {
    await Promise.all([this.page.waitForEvent('load'), this.page.locator(selector).first().click()]);
  }

  /** Writes into the fields of a form: id to text. */
  async write(fields) {
    for (const [id, text] of Object.entries(fields)) await this.page.fill(`#${id}`, text);
  }

  /** The text of the page. */
  text(selector = 'main') {
    return this.page.locator(selector).first().innerText();
  }

  /** Is there nothing of this on the page? */
  async lacks(selector) {
    return (await this.page.locator(selector).count()) === 0;
  }

  /** The page says that this was done. */
  async told(what) {
    assert.match(await this.text('#notice'), what);
  }

  /** Judges the page that is shown, and keeps a picture of it; in other looks as well where they are named. */
  async judge(name, ...looks) {
    const html = await this.page.content();
    const size = Buffer.byteLength(html);
    assert.ok(size < MAX_PAGE, `${name} has ${size} bytes`);
    assert.ok(!html.includes('\u27e6'), `a text is missing on ${name}: ${html.match(/\u27e6[^\u27e7]*/)?.[0]}`);
    // By evaluation, which the page's policy does not touch.
    if (this.script) await this.page.evaluate(AXE);
    await this.#judgeLook(name, this.look, RULES);
    for (const look of looks) {
      await this.page.setViewportSize(look.viewport);
      await this.page.emulateMedia({ colorScheme: look.colorScheme });
      await this.#judgeLook(name, look, MORE_LOOKS.includes(look) ? COLOURS : RULES);
    }
    if (looks.length > 0) {
      await this.page.setViewportSize(this.look.viewport);
      await this.page.emulateMedia({ colorScheme: this.look.colorScheme });
    }
    this.assertContent(name);
  }

  async #judgeLook(name, look, rules) {
    if (this.script) {
      const found = await this.page.evaluate(async (runOnly) => ({
        violations: (await axe.run({ runOnly, resultTypes: ['violations'] })).violations,
        overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      }), rules);
      const told = found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html: part }) => part).join(' | ')}`);
      assert.deepEqual(told, [], `axe on ${name} (${look.name})`);
      assert.ok(found.overflow <= 0, `${name} is ${found.overflow} px too wide at ${look.viewport.width} px`);
    }
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}-${look.name}.jpg`), fullPage: true, type: 'jpeg', quality: 70 });
  }

  /** Nothing was complained about so far. */
  assertContent(where) {
    assert.deepEqual(this.complaints, [], `what went wrong in the browser until ${where}`);
  }

  async leave() {
    await this.context.close();
    this.assertContent('the end');
  }
}
