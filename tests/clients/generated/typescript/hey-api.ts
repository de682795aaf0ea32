// Makes the calls with the client of @hey-api/openapi-ts.

import { createClient, createConfig } from './kommando-client/client/index.js';
import { CommandsApi, OperatorApi, SessionApi, UserApi } from './kommando-client/index.js';
import { address, drive, type Who } from './drive.js';

function clientOf(who: Who) {
    const auth = ({ scheme, name }: { scheme?: string; name?: string }) => {
        if (who && 'ticket' in who) return name === 'Authorization' ? `SoTicket ${who.ticket}` : undefined;
        return who && scheme === 'basic' ? `${who.name}:${who.password}` : undefined;
    };
    return createClient(createConfig({ baseUrl: address, auth }));
}

/** A response of any status. */
async function of<T>(call: Promise<{ data?: T; error?: unknown; response?: Response }>) {
    const { data, error, response } = await call;
    if (!response) throw error;
    return { status: response.status, headers: Object.fromEntries(response.headers), body: data ?? error, data };
}

await drive((who) => {
    const client = clientOf(who);
    return {
        list: ({ id }) => of(UserApi.getUserCommands({ client, path: { id } })),
        execute: ({ id, commandName, actionResult, idempotencyKey, dryRun }) => {
            const headers = { 'Idempotency-Key': idempotencyKey, 'X-Dry-Run': dryRun };
            return of(UserApi.executeUserCommand({ client, path: { id, commandName }, query: { actionResult }, headers }));
        },
        everyType: ({ id, inputs, actionResult }) =>
            of(CommandsApi.everyType({ client, path: { id }, query: { actionResult: actionResult as 'Implicit' | 'Yes' | 'No' }, body: inputs })),
        user: ({ id, select }) => of(UserApi.getUser({ client, path: { id }, query: { $select: select } })),
        logIn: async ({ userName, password }) => {
            const answer = await of(SessionApi.beginSession({ client, body: { userName, password } }));
            return { ...answer, ticket: answer.data?.ticket };
        },
        executions: async ({ limit }) => {
            const answer = await of(OperatorApi.listExecutions({ client, query: { limit } }));
            return { ...answer, newest: answer.data?.executions[0]?.id };
        },
        execution: ({ execution }) => of(OperatorApi.getExecution({ client, path: { id: execution } })),
    };
});
