// The frame of every page: signing in and out, the reader's zone and language, forms without script.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOOKS } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();

for (const look of LOOKS) {
  describe(look.name, () => {
    test('signing in, a project from new to deleted, signing out', async () => {
      const ada = await on.stranger({ look });
      await ada.open('/console/projects');
      await ada.judge('login');
      await ada.signIn(on.server.demo.admin, '/console/projects');
      await ada.judge('projects-empty');
      await ada.press('a[href="/console/projects/new"]');
      await ada.judge('project-new');
      await ada.page.fill('#project-create-id', `shop-${look.name}`);
      await ada.page.fill('#project-create-name', 'The shop');
      await ada.press('#project-create');
      assert.match(await ada.text('#notice'), /has been created/);
      await ada.judge('projects');
      await ada.press(`a[href="/console/projects/shop-${look.name}/edit"]`);
      await ada.judge('project-edit');
      await ada.press(`a[href="/console/projects/shop-${look.name}/delete"]`);
      await ada.judge('project-delete');
      await ada.page.fill('#project-delete-confirm', 'The shop');
      await ada.press('#project-delete');
      assert.match(await ada.text('#notice'), /has been deleted/);
      await ada.press('#sign-out');
      assert.match(await ada.page.innerText('h1'), /You are signed out/);
      await ada.judge('signed-out');
      await ada.leave();
    });
  });
}

test('the same without script', async () => {
  const ada = await on.operator({ javaScriptEnabled: false });
  await ada.open('/console/projects/new');
  await ada.page.fill('#project-create-id', 'plain');
  await ada.page.fill('#project-create-name', 'Plain');
  await ada.page.click('#project-create');
  await ada.page.waitForSelector('#notice');
  assert.match(await ada.text('tbody'), /\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC/);
  await ada.judge('projects-without-script');
  await ada.leave();
});

test('times are in the zone of whoever reads', async () => {
  const ada = await on.operator({ timezoneId: 'America/New_York', locale: 'en-US' });
  await on.admin('POST', '/v1/projects', { id: 'timed', name: 'Timed' });
  await ada.open('/console/projects');
  const shown = await ada.page.locator('time').first().evaluate((time) => [time.dateTime, time.textContent]);
  const expected = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'America/New_York' });
  assert.equal(shown[1], expected.format(new Date(shown[0])));
  await ada.leave();
});

test('the pages speak German to whoever asks for it', async () => {
  const ada = await on.operator({ locale: 'de-AT' });
  await ada.open('/console/projects');
  assert.match(await ada.text('h1'), /Projekte/);
  await ada.judge('projects-german');
  await ada.leave();
});
