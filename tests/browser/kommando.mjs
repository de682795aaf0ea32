// Starts demo servers, each in its own temporary folder.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

// Turn signals into a normal exit, so that the 'exit' handlers clean up.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

export const password = 'correct horse battery staple';

/** Starts a demo server with further settings, and waits until it listens. */
export async function serveDemo(binary, more = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'kommando-browser-'));
    const settings = {
        cwd: folder,
        // A clean environment, so that KOMMANDO_* variables of the caller have no effect.
        env: {
            KOMMANDO_ADMIN_PASSWORD: password,
            KOMMANDO_DATABASE_URL: `sqlite://${join(folder, 'kommando.db')}?mode=rwc`,
            KOMMANDO_LISTEN: '127.0.0.1:0',
            KOMMANDO_LOG: 'warn',
            KOMMANDO_PASSWORD_COST: 'm=8,t=1,p=1',
            ...more,
        },
    };
    const server = spawn(binary, ['serve', '--demo'], { ...settings, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(server, 'exit');
    const abandon = () => {
        server.kill('SIGKILL');
        rmSync(folder, { recursive: true, force: true });
    };
    process.once('exit', abandon); // if the tests end without stop()

    async function stop() {
        server.kill('SIGTERM');
        await ended;
        process.off('exit', abandon);
        await rm(folder, { recursive: true });
    }

    async function issueTicket(user) {
        const { stdout } = await promisify(execFile)(binary, ['ticket', 'issue', '--user', user], settings);
        return stdout.trim();
    }

    const address = await addressOf(server);
    if (address) return { address, issueTicket, stop };
    await stop();
    throw new Error(`${binary} serve --demo did not start to listen`);
}

/** The address in the banner; undefined when there is no banner. */
async function addressOf(server) {
    const lines = createInterface({ input: server.stdout, signal: AbortSignal.timeout(60_000) });
    for await (const line of lines) {
        const [, address] = /^ *Swagger UI +(http:\S+)\/docs$/.exec(line) ?? [];
        if (address) {
            server.stdout.resume(); // so that the rest of the banner does not fill the pipe
            return address;
        }
    }
}
