// Chromium as people use it: small and large, light and dark, with and without script. Every page that is opened is judged:
// by axe-core, by its size, by what the browser complains about, and by texts that are missing.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** WCAG 2.2, levels A and AA, and what axe calls good practice. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const MAX_PAGE = 100 * 1024;
const SCREENSHOTS = process.env.GRANTOR_SCREENSHOTS ?? join(import.meta.dirname, '..', 'screenshots');

/** The windows and schemes that everything is looked at in. */
export const LOOKS = [
  { name: 'large-light', viewport: { width: 1440, height: 900 }, colorScheme: 'light' },
  { name: 'small-dark', viewport: { width: 360, height: 740 }, colorScheme: 'dark' },
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

/** A person with a browser window. */
export class Person {
  /** @param {import('playwright-core').Browser} browser */
  static async at(browser, server, { look = LOOKS[0], javaScriptEnabled = true, locale = 'en-GB', timezoneId = 'Asia/Tokyo' } = {}) {
    const context = await browser.newContext({
      viewport: look.viewport, colorScheme: look.colorScheme, javaScriptEnabled, locale, timezoneId, reducedMotion: 'reduce',
    });
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.issuer });
    const person = new Person();
    Object.assign(person, { server, context, look, script: javaScriptEnabled, complaints: [] });
    person.page = await context.newPage();
    person.page.setDefaultTimeout(10_000);
    person.page.on('console', (message) => {
      // The browser notes every 4xx; the tests know of those.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) person.complaints.push(message.text());
    });
    person.page.on('pageerror', (error) => person.complaints.push(String(error)));
    return person;
  }

  /** Opens a page of the server. */
  async open(path) {
    return this.page.goto(new URL(path, this.server.issuer).href);
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
    await Promise.all([this.page.waitForEvent('load'), this.page.click(selector)]);
  }

  /** The text of the page. */
  text(selector = 'main') {
    return this.page.locator(selector).first().innerText();
  }

  /** Judges the page that is shown, and keeps a picture of it. */
  async judge(name) {
    const html = await this.page.content();
    assert.ok(html.length < MAX_PAGE, `${name} has ${html.length} bytes`);
    assert.ok(!html.includes('\u27e6'), `a text is missing on ${name}: ${html.match(/\u27e6[^\u27e7]*/)?.[0]}`);
    if (this.script) {
      // By evaluation, which the page's policy does not touch.
      await this.page.evaluate(AXE);
      const { violations } = await this.page.evaluate((tags) => axe.run({ runOnly: tags }), RULES);
      const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html: part }) => part).join(' | ')}`);
      assert.deepEqual(told, [], `axe on ${name} (${this.look.name})`);
      const overflow = await this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(overflow <= 0, `${name} is ${overflow} px too wide at ${this.look.viewport.width} px`);
    }
    assert.deepEqual(this.complaints, [], `what the browser complained about on ${name}`);
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}-${this.look.name}.png`), fullPage: true });
  }

  async leave() {
    await this.context.close();
  }
}
