// What the TypeScript drivers share: the calls in their order, and a line of JSON for what came of each.

import { readFileSync } from 'node:fs';

/** Name and password, a ticket, or nobody. */
export type Who = { name: string; password: string } | { ticket: string } | undefined;

export type Answer = { status: number; headers: Record<string, unknown>; body: unknown };

type Given = {
    id: number;
    commandName: string;
    actionResult?: 'Implicit' | 'Yes' | 'Ok' | 'No' | 'Cancel';
    idempotencyKey?: string;
    dryRun?: boolean;
    select: string;
    limit: number;
    userName: string;
    password: string;
    /** The id of an execution. */
    execution: string;
};

/** A client of somebody. */
export interface Client {
    list(given: Given): Promise<Answer>;
    execute(given: Given): Promise<Answer>;
    user(given: Given): Promise<Answer>;
    logIn(given: Given): Promise<Answer & { ticket?: string }>;
    executions(given: Given): Promise<Answer & { newest?: string }>;
    execution(given: Given): Promise<Answer>;
}

export const address = process.env.ADDRESS ?? '';

export const basic = (name: string, password: string) => `Basic ${btoa(`${name}:${password}`)}`;

export async function drive(clientOf: (who: Who) => Client) {
    const password = process.env.PASSWORD ?? '';
    let ticket = '';
    let execution = '';
    for (const call of JSON.parse(readFileSync(process.env.CALLS ?? '', 'utf8'))) {
        const others: Record<string, Who> = { nobody: undefined, wrong: { name: 'admin', password: 'wrong' }, ticket: { ticket } };
        const client = clientOf(call.as in others ? others[call.as] : { name: call.as, password });
        const given = { password, execution: call.with.id ?? execution, ...call.with };
        const answer = await client[call.call as keyof Client](given);
        if ('ticket' in answer) ticket = String(answer.ticket);
        if ('newest' in answer) execution = String(answer.newest);
        const { status, headers, body } = answer;
        console.log(JSON.stringify({ status, headers, body }));
    }
}
