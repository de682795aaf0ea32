// Makes the calls with the client of openapi-zod-client, over axios. It checks requests and answers with zod.

import { isAxiosError } from 'axios';

import { createApiClient } from './kommando-client/index.js';
import { address, basic, drive, type Who } from './drive.js';

function authorization(who: Who): Record<string, string> {
    if (!who) return {};
    return { Authorization: 'ticket' in who ? `SoTicket ${who.ticket}` : basic(who.name, who.password) };
}

await drive((who) => {
    const client = createApiClient(address, { axiosConfig: { headers: authorization(who) } });
    // The methods return only bodies.
    let last: { status: number; headers: Record<string, unknown> } = { status: 0, headers: {} };
    client.axios.interceptors.response.use((response) => {
        last = { status: response.status, headers: { ...response.headers } };
        return response;
    });
    /** A response of any status. */
    async function of<T>(call: Promise<T>) {
        try {
            const data = await call;
            return { ...last, body: data, data };
        } catch (error) {
            if (!isAxiosError(error) || !error.response) throw error;
            return { status: error.response.status, headers: { ...error.response.headers }, body: error.response.data, data: undefined };
        }
    }
    return {
        list: ({ id }) => of(client.GetUserCommands({ params: { id } })),
        execute: ({ id, commandName, actionResult, idempotencyKey, dryRun }) => {
            const headers = { 'Idempotency-Key': idempotencyKey, 'X-Dry-Run': dryRun };
            return of(client.ExecuteUserCommand(undefined, { params: { id, commandName }, queries: { actionResult }, headers }));
        },
        everyType: ({ id, inputs, actionResult }) => {
            const answer = actionResult as 'Implicit' | 'Yes' | 'No';
            return of(client.everyType(inputs, { params: { id }, queries: { actionResult: answer } }));
        },
        user: ({ id, select }) => of(client.GetUser({ params: { id }, queries: { $select: select } })),
        logIn: async ({ userName, password }) => {
            const answer = await of(client.BeginSession({ userName, password }));
            return { ...answer, ticket: answer.data?.ticket };
        },
        executions: async ({ limit }) => {
            const answer = await of(client.ListExecutions({ queries: { limit } }));
            return { ...answer, newest: answer.data?.executions[0]?.id };
        },
        execution: ({ execution }) => of(client.GetExecution({ params: { id: execution } })),
    };
});
