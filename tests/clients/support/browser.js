// A browser of few words: keeps cookies, follows redirects one by one, fills in the login and the consent form.
import assert from 'node:assert/strict';

const MAX_STEPS = 12;

function unescapeHtml(text) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(parseInt(decimal, 10));
    return named[name.toLowerCase()] ?? whole;
  });
}

function attributesOf(tag) {
  const attributes = {};
  for (const [, name, double, single, bare] of tag.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)) {
    attributes[name.toLowerCase()] = unescapeHtml(double ?? single ?? bare ?? '');
  }
  return attributes;
}

/** The forms of a page, with the attributes of their inputs and buttons. */
function formsOf(html) {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)].map(([, open, body]) => ({
    ...attributesOf(open),
    controls: [...body.matchAll(/<(input|button)\b([^>]*)>/gi)].map(([, element, rest]) => ({ element, ...attributesOf(rest) })),
  }));
}

/** A page that is neither redirect nor form: mostly an error shown to the user. */
export class PageShown extends Error {
  constructor(status, html) {
    super(`a page without a form was shown, status ${status}: ${html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').slice(0, 300)}`);
    this.status = status;
    this.html = html;
  }
}

export class Browser {
  #issuer;
  #keepSecure;
  #cookies = new Map();
  /** Every Set-Cookie line received. */
  cookieLines = [];

  /** `keepSecure`: keep Secure cookies of a loopback address reached by plain http, as Chrome and Firefox do and Safari does not. */
  constructor(issuer, { keepSecure = false } = {}) {
    this.#issuer = issuer;
    this.#keepSecure = keepSecure;
  }

  #store(line) {
    this.cookieLines.push(line);
    const [pair, ...rest] = line.split(';').map((part) => part.trim());
    const attributes = new Map(rest.map((part) => part.split('=')).map(([name, value]) => [name.toLowerCase(), value ?? '']));
    const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    if (attributes.has('secure') && !this.#keepSecure) return;
    // RFC 6265bis §5.7: a browser refuses a __Host- cookie that breaks the rules of its prefix.
    if (name.startsWith('__Host-')) {
      const lawful = attributes.has('secure') && attributes.get('path') === '/' && !attributes.has('domain');
      if (!lawful) return;
    }
    const gone = Number(attributes.get('max-age') ?? 1) <= 0 || Date.parse(attributes.get('expires')) <= Date.now();
    if (gone) this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }

  async #request(url, body) {
    const headers = { accept: 'text/html', 'sec-fetch-site': body ? 'same-origin' : 'none' };
    if (this.#cookies.size > 0) headers.cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ');
    if (body) headers.origin = new URL(this.#issuer).origin;
    const response = await fetch(url, { method: body ? 'POST' : 'GET', headers, body, redirect: 'manual' });
    response.headers.getSetCookie().forEach((line) => this.#store(line));
    return response;
  }

  /**
   * Opens an authorization URL and goes through whatever pages come, until the answer leaves for the client.
   * Resolves to the response parameters and the names of the pages that were shown.
   */
  async authorize(url, { username, password, decision = 'allow' }) {
    const shown = [];
    let response = await this.#request(url);
    let here = String(url);
    for (let step = 0; step < MAX_STEPS; step += 1) {
      if (response.status >= 300 && response.status < 400) {
        // RFC 9700 §4.12: 303, so that no browser repeats a POST with a password in it.
        assert.equal(response.status, 303, `redirect from ${here}`);
        const target = new URL(response.headers.get('location'), here);
        if (!this.#isOurs(target)) return { parameters: target, shown };
        here = target.href;
        response = await this.#request(here);
        continue;
      }
      const html = await response.text();
      const form = formsOf(html).find(({ controls }) => controls.length > 0);
      if (response.status !== 200 || !form) throw new PageShown(response.status, html);
      const target = new URL(form.action || here, here);
      const { page, fields } = this.#fill(form, { username, password, decision });
      assert.equal(form.method?.toLowerCase(), 'post', `the form of the ${page} page`);
      if (!this.#isOurs(target)) return { parameters: fields, redirectUri: target.href, shown };
      if (page === 'login' && shown.includes('login')) throw new PageShown(response.status, html);
      shown.push(page);
      here = target.href;
      response = await this.#request(here, fields);
    }
    throw new Error(`no answer after ${MAX_STEPS} steps, last at ${here}`);
  }

  /** Types a device's code, signs in and decides; resolves to the text of the last page. */
  async approveDevice(uri, userCode, { username, password, decision = 'allow' }) {
    let here = String(uri);
    let response = await this.#request(here);
    for (let step = 0; step < MAX_STEPS; step += 1) {
      if (response.status >= 300 && response.status < 400) {
        here = new URL(response.headers.get('location'), here).href;
        response = await this.#request(here);
        continue;
      }
      const html = await response.text();
      const form = formsOf(html).find(({ controls }) => controls.length > 0);
      if (response.status !== 200) throw new PageShown(response.status, html);
      if (!form) return html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
      const byId = new Map(form.controls.map((control) => [control.id, control]));
      const hidden = form.controls.filter(({ type }) => type === 'hidden').map(({ name, value }) => [name, value]);
      const fields = byId.has('username') ? this.#fill(form, { username, password, decision }).fields : new URLSearchParams(hidden);
      if (byId.has('user_code')) fields.set('user_code', userCode);
      const button = byId.get(`device-${decision}`);
      if (button) fields.set(button.name, button.value);
      here = new URL(form.action || here, here).href;
      response = await this.#request(here, fields);
    }
    throw new Error(`the device was not decided on after ${MAX_STEPS} steps, last at ${here}`);
  }

  #isOurs(url) {
    return url.origin === new URL(this.#issuer).origin;
  }

  #fill(form, { username, password, decision }) {
    const byId = new Map(form.controls.map((control) => [control.id, control]));
    const hidden = form.controls.filter(({ type }) => type === 'hidden').map(({ name, value }) => [name, value]);
    const fields = new URLSearchParams(hidden);
    if (byId.has('username')) {
      assert.ok(byId.has('login-submit'), 'the login form has its button');
      assert.equal(byId.get('password').type, 'password');
      fields.set(byId.get('username').name, username);
      fields.set(byId.get('password').name, password);
      return { page: 'login', fields };
    }
    const button = byId.get(`consent-${decision}`);
    if (button) {
      fields.set(button.name, button.value);
      return { page: 'consent', fields };
    }
    return { page: 'form_post', fields };
  }
}
