// The keyboard alone: Tab, Enter, Space and arrows, with the focus always to be seen.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOOKS } from './support/browser.js';
import { stage } from './support/stage.js';

const MOST_TABS = 150;

const on = stage(({ admin }) => admin('POST', '/v1/projects', { id: 'shop', name: 'The shop' }));

/** Where the focus is, and whether it can be seen: by its outline, within the window. */
const focused = (person) => person.page.evaluate(() => {
  const here = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(here);
  const box = here.getBoundingClientRect();
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return { what: here.outerHTML.slice(0, 120), seen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1 && inside };
});

/** Goes on by Tab to what is meant. */
async function tabTo(person, selector) {
  for (let tabs = 0; tabs < MOST_TABS; tabs += 1) {
    await person.page.keyboard.press('Tab');
    const { what, seen } = await focused(person);
    assert.ok(seen || what.startsWith('<body'), `the focus cannot be seen on ${what}`);
    if (await person.page.evaluate((meant) => document.activeElement.matches(meant), selector)) return;
  }
  assert.fail(`${selector} is not reached by Tab`);
}

const key = (person, name) => person.page.keyboard.press(name);
const type = (person, text) => person.page.keyboard.type(text);

/** Presses a key that leads to another page. */
const leave = (person, name = 'Enter') => Promise.all([person.page.waitForEvent('load'), key(person, name)]);

for (const look of LOOKS) {
  describe(look.name, () => {
    test('signing in, by the menu to the keys, a key from new to deleted, and out', async () => {
      const name = `Typed ${look.name}`;
      const { username, password } = on.server.demo.admin;
      const ada = await on.stranger({ look });
      await ada.open('/console/projects');
      assert.equal(await ada.page.evaluate(() => document.activeElement.id), 'username', 'where one begins to type');
      await type(ada, username);
      await tabTo(ada, '#password');
      await type(ada, password);
      await key(ada, 'Enter');
      await ada.page.waitForSelector('#sign-out');

      // The menu stands after the page; on a small screen a link leads there.
      if (look.viewport.width < 800) {
        await tabTo(ada, '.menu-link');
        await key(ada, 'Enter');
      }
      await tabTo(ada, '#menu a[href="/console/access-keys"]');
      await leave(ada);
      await tabTo(ada, 'main a[href="/console/access-keys/new"]');
      await leave(ada);

      await tabTo(ada, '#access-key-create-name');
      await type(ada, name);
      await tabTo(ada, 'input[name=projects]');
      await key(ada, 'ArrowDown');
      assert.equal(await ada.page.locator('input[name=projects][value=chosen]').isChecked(), true);
      await key(ada, 'ArrowUp');
      await tabTo(ada, 'input[name=scope][value="orders:read"]');
      await key(ada, 'Space');
      await tabTo(ada, '#access-key-create-expiry');
      const before = await ada.page.inputValue('#access-key-create-expiry');
      await key(ada, 'ArrowUp');
      assert.notEqual(await ada.page.inputValue('#access-key-create-expiry'), before);
      await tabTo(ada, '#access-key-create');
      await leave(ada, 'Space');
      const secret = await ada.text('#secret');
      assert.equal((await on.verify(secret, 'orders:read')).valid, true);
      await tabTo(ada, 'button[data-copy=secret]');
      await key(ada, 'Enter');
      await ada.page.waitForSelector('button[data-copy=secret]:has-text("Copied")');
      assert.equal(await ada.page.evaluate(() => navigator.clipboard.readText()), secret);

      await ada.open(`/console/access-keys?q=${encodeURIComponent(name)}`);
      await tabTo(ada, 'main table a[href^="/console/access-keys/ak_"]');
      await leave(ada);
      await tabTo(ada, 'main a[href$="/usage"]');
      await leave(ada);
      await ada.openUntil(ada.page.url(), /Requests by day/);
      await tabTo(ada, 'figure.chart summary');
      await key(ada, 'Enter');
      assert.equal(await ada.page.locator('figure.chart details').first().getAttribute('open'), '');
      await tabTo(ada, 'figure.chart .scroll');
      await ada.page.reload();
      await tabTo(ada, '.trail li:last-child a');
      await leave(ada);
      await tabTo(ada, 'main a[href$="/delete"]');
      await leave(ada);
      await tabTo(ada, '#access-key-delete-confirm');
      await type(ada, name);
      await leave(ada);
      await ada.told(/has been deleted/);
      assert.equal((await on.verify(secret, 'orders:read')).valid, false);
      await tabTo(ada, '#sign-out');
      await leave(ada, 'Space');
      await ada.page.waitForSelector('h1:has-text("You are signed out")');
      await ada.leave();
    });
  });
}
