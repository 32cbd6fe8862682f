// A server and a browser for the tests of a file, ended with them.
import { after, before } from 'node:test';
import { startServer } from '../../clients/support/server.js';
import { Person, launch } from './browser.js';

/** What the tests of a file go on: filled before the first of them. `prepare` makes what all of them find. */
export function stage(prepare = async () => {}) {
  const on = {
    /** Somebody with a browser who has not signed in. */
    stranger: (options) => Person.at(on.browser, on.server, options),
    /** Somebody who has. */
    as: (who, options) => Person.as(on.browser, on.server, who, options),
    /** The operator who may everything. */
    operator: (options) => on.as(on.server.demo.admin, options),
    admin: (method, path, body) => on.server.admin(method, path, body),
    verify: (credential, ...scopes) => on.admin('POST', '/v1/verify', { credential, scopes }),
  };
  before(async () => {
    on.server = await startServer();
    on.browser = await launch();
    await prepare(on);
  });
  after(async () => {
    await on.browser?.close();
    await on.server?.stop();
  });
  return on;
}
