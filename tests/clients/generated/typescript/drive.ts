// Shared by the TypeScript drivers: makes the calls in order, and prints each response as a line of JSON.

import { readFileSync } from 'node:fs';

/** The caller: name and password, a ticket, or undefined for an anonymous call. */
export type Who = { name: string; password: string } | { ticket: string } | undefined;

export type Answer = { status: number; headers: Record<string, unknown>; body: unknown };

type Given = {
    id: number;
    commandName: string;
    actionResult?: 'Implicit' | 'Yes' | 'Ok' | 'No' | 'Cancel';
    /** The inputs of the command that has every type. */
    inputs: {
        reason: string;
        count: number;
        sure: boolean;
        until: string;
        kind: 'full' | 'part-time';
        manager: number;
        group: number;
        role: number;
        email: string;
        pin: string;
    };
    idempotencyKey?: string;
    dryRun?: boolean;
    select: string;
    limit: number;
    userName: string;
    password: string;
    /** The id of an execution. */
    execution: string;
};

/** A generated client for one caller. */
export interface Client {
    list(given: Given): Promise<Answer>;
    execute(given: Given): Promise<Answer>;
    everyType(given: Given): Promise<Answer>;
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
        const others: Record<string, Who> = { anonymous: undefined, wrong: { name: 'admin', password: 'wrong' }, ticket: { ticket } };
        const client = clientOf(call.as in others ? others[call.as] : { name: call.as, password });
        const given = { password, execution: call.with.id ?? execution, ...call.with };
        const answer = await client[call.call as keyof Client](given);
        if ('ticket' in answer) ticket = String(answer.ticket);
        if ('newest' in answer) execution = String(answer.newest);
        const { status, headers, body } = answer;
        console.log(JSON.stringify({ status, headers, body }));
    }
}
