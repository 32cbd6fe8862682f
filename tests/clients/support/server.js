// Starts the server under test, named by GRANTOR_BINARY, on a data folder and a port of its own.
import { execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

// A debug build makes its first RSA key slowly.
const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 20_000;

// Drawn from below the ports that systems hand out by themselves, so that no outgoing connection takes it meanwhile.
export async function freePort() {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const probe = createServer().listen(port, '127.0.0.1');
    const free = await once(probe, 'listening').then(() => true, () => false);
    probe.close();
    if (free) return port;
  }
}

// Settings in the environment of whoever runs the tests must not reach the server.
export function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GRANTOR_')));
}

export function within(limitMs, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${limitMs} ms`)), limitMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export async function startServer() {
  const binary = process.env.GRANTOR_BINARY;
  if (!binary) throw new Error('set GRANTOR_BINARY to the server to test, for example target/debug/grantor');
  const folder = await mkdtemp(join(tmpdir(), 'grantor-clients-'));
  const child = spawn(binary, ['dev', '--data', join(folder, 'data'), '--port', String(await freePort()), '--json'], {
    cwd: folder,
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const exited = once(child, 'exit');
  const errors = [];
  createInterface(child.stderr).on('line', (line) => errors.push(line));
  const died = exited.then(([code, signal]) => {
    throw new Error(`the server ended (${code ?? signal}):\n${errors.slice(-20).join('\n')}`);
  });
  died.catch(() => {});

  const stop = async () => {
    child.kill('SIGTERM');
    try {
      const [code] = await within(STOP_LIMIT_MS, 'stopping the server', exited);
      if (code !== 0) throw new Error(`the server ended with ${code} after SIGTERM:\n${errors.slice(-20).join('\n')}`);
    } finally {
      child.kill('SIGKILL');
      process.off('exit', killAtExit);
      await rm(folder, { recursive: true, force: true });
    }
  };
  try {
    const output = createInterface(child.stdout);
    const [line] = await within(START_LIMIT_MS, 'starting the server', Promise.race([once(output, 'line'), died]));
    // The same data behind other settings, as an operator would: the file that `dev` wrote, and more.
    const restart = async (settings) => {
      child.kill('SIGTERM');
      await within(STOP_LIMIT_MS, 'stopping the server', exited);
      const config = join(folder, 'data', 'grantor.toml');
      await appendFile(config, settings);
      const again = spawn(binary, ['serve', '--config', config], { cwd: folder, env: cleanEnvironment(), stdio: 'ignore' });
      const ended = once(again, 'exit');
      const killAgain = () => again.kill('SIGKILL');
      process.once('exit', killAgain);
      const ready = `${JSON.parse(line).issuer}/health/ready`;
      for (const end = Date.now() + START_LIMIT_MS; ;) {
        if (await fetch(ready).then(({ ok }) => ok, () => false)) break;
        if (Date.now() > end || again.exitCode !== null) throw new Error(`the server does not answer (${again.exitCode})`);
      }
      return async () => {
        again.kill('SIGTERM');
        await within(STOP_LIMIT_MS, 'stopping the server', ended).finally(killAgain);
        process.off('exit', killAgain);
        process.off('exit', killAtExit);
        await rm(folder, { recursive: true, force: true });
      };
    };
    return new Server(JSON.parse(line), { folder, binary, stop, restart });
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}

/** A running server: the demo that `dev --json` printed, and the admin API for what a test needs of its own. */
class Server {
  #adminToken;
  #serial = 0;

  #binary;

  #restart;

  constructor(demo, { folder, binary, stop, restart }) {
    this.demo = demo;
    this.issuer = demo.issuer;
    this.folder = folder;
    this.#binary = binary;
    this.#restart = restart;
    this.stop = stop;
  }

  /** Goes on as `grantor serve`, with these settings besides. */
  async restart(settings) {
    this.stop = await this.#restart(settings);
  }

  /** Runs a command line as a shell would, with `grantor` set up for this server; answers what it printed. */
  async shell(commands, cwd = this.folder) {
    const setUp = `grantor() { "$BINARY" --config "$CONFIG" "$@"; }\nset -e\n${commands}`;
    const env = { ...cleanEnvironment(), BINARY: this.#binary, CONFIG: join(this.folder, 'data', 'grantor.toml') };
    const { stdout } = await promisify(execFile)('sh', ['-c', setUp], { cwd, env });
    return stdout;
  }

  async admin(method, path, body) {
    this.#adminToken ??= this.#signInAdmin();
    const response = await fetch(`${this.issuer}${path}`, {
      method,
      headers: { authorization: `Bearer ${await this.#adminToken}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  async #signInAdmin() {
    const { client_id, client_secret } = this.demo.confidential_client;
    const response = await fetch(`${this.issuer}/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
      body: new URLSearchParams({ grant_type: 'password', scope: 'admin', ...this.demo.admin }),
    });
    if (!response.ok) throw new Error(`signing in as admin: ${response.status} ${await response.text()}`);
    return (await response.json()).access_token;
  }

  /** A public, third-party client of the test's own: no other test can have given consent to it. */
  newPublicClient(members) {
    return this.admin('POST', '/v1/clients', {
      client_name: `Test client ${(this.#serial += 1)}`,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [this.demo.public_client.redirect_uri],
      scope: this.demo.public_client.scope,
      ...members,
    });
  }
}
