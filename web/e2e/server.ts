import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const binary = resolve(process.env.KENOMA_BIN ?? '../bin/kenoma');

/** The real program, on a free port with a data folder of its own. */
export class Server {
  url = '';
  /** The link that makes the first account, as the program printed it. */
  setup = '';
  private folder = '';
  private child!: ChildProcess;
  private output = '';

  async start(): Promise<void> {
    if (!existsSync(binary))
      throw new Error(`There is no program at ${binary}. Build it, or say in KENOMA_BIN where it is.`);
    this.folder = await mkdtemp(join(tmpdir(), 'kenoma-e2e-'));
    const port = await freePort();
    this.url = `http://localhost:${port}`;
    this.env = {
      // The program refuses settings that it does not know, such as KENOMA_BIN.
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('KENOMA_'))),
      KENOMA_DATA_DIR: this.folder,
      KENOMA_URL: this.url,
      KENOMA_LISTEN: `127.0.0.1:${port}`,
      KENOMA_RATE_LIMIT_ENABLED: 'false',
      KENOMA_REGISTRATIONS: 'open',
      // So that two of them can talk to each other.
      KENOMA_FEDERATION_ALLOW_NETWORKS: '127.0.0.0/8,::1/128',
      KENOMA_FEDERATION_ALLOW_HTTP: 'true',
    };
    this.child = spawn(binary, ['serve'], { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on('data', (text) => (this.output += text));
    await this.until(() => this.child.exitCode === null && this.answers(), 'does not answer');
    await this.until(
      async () => !!(this.setup = /https?:\/\/\S+\/setup\/[\w-]+/.exec(this.output)?.[0] ?? ''),
      'prints no setup link',
    );
  }

  async stop(): Promise<void> {
    if (process.env.E2E_LOG) console.error(this.output);
    const gone = new Promise((done) => this.child.once('exit', done));
    this.child.kill('SIGTERM');
    await gone;
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Makes an account on the command line; the answer is a token for it. */
  async user(name: string, password: string): Promise<string> {
    await this.command('user', 'create', name, '--email', `${name}@example.org`, '--password', password);
    return (await this.command('token', 'create', name)).trim();
  }

  /** Calls the API as somebody. */
  async call<T>(token: string, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  private env: NodeJS.ProcessEnv = {};

  private async command(...args: string[]): Promise<string> {
    return (await run(binary, args, { env: this.env })).stdout;
  }

  private async answers(): Promise<boolean> {
    return fetch(`${this.url}/health`).then(
      (answer) => answer.ok,
      () => false,
    );
  }

  private async until(what: () => Promise<boolean> | false, failure: string): Promise<void> {
    for (let n = 0; n < 400; n++) {
      if (await what()) return;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`The program ${failure}. It said:\n${this.output}`);
  }
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => done(port));
    });
  });
}
