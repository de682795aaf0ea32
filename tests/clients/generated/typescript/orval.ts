// Makes the calls with the client of Orval, over fetch.

import {
    beginSession,
    everyType,
    type EveryTypeParams,
    executeUserCommand,
    getExecution,
    getUser,
    getUserCommands,
    listExecutions,
} from './kommando-client/index.js';
import { address, basic, drive, type Who } from './drive.js';

process.env.API_URL = address;

function authorization(who: Who): Record<string, string> {
    if (!who) return {};
    return { Authorization: 'ticket' in who ? `SoTicket ${who.ticket}` : basic(who.name, who.password) };
}

/** A response of any status. */
async function of<T extends { status: number; headers: Headers; data: unknown }>(call: Promise<T>) {
    const response = await call;
    return { status: response.status, headers: Object.fromEntries(response.headers), body: response.data, response };
}

await drive((who) => {
    const options = { headers: authorization(who) };
    return {
        list: ({ id }) => of(getUserCommands(id, options)),
        execute: ({ id, commandName, actionResult, idempotencyKey, dryRun }) => {
            const headers = {
                ...options.headers,
                ...(idempotencyKey && { 'Idempotency-Key': idempotencyKey }),
                ...(dryRun && { 'X-Dry-Run': 'true' }),
            };
            return of(executeUserCommand(id, commandName, undefined, { actionResult }, { headers }));
        },
        everyType: ({ id, inputs, actionResult }) =>
            of(everyType(id, inputs, { actionResult } as EveryTypeParams, options)),
        user: ({ id, select }) => of(getUser(id, { $select: select }, options)),
        logIn: async ({ userName, password }) => {
            const { response, ...answer } = await of(beginSession({ userName, password }, options));
            return { ...answer, ticket: response.status === 200 ? response.data.ticket : undefined };
        },
        executions: async ({ limit }) => {
            const { response, ...answer } = await of(listExecutions({ limit }, options));
            return { ...answer, newest: response.status === 200 ? response.data.executions[0]?.id : undefined };
        },
        execution: ({ execution }) => of(getExecution(execution, options)),
    };
});
