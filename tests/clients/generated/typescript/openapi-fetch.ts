// Makes the calls with openapi-fetch and the types of openapi-typescript.

import createClient from 'openapi-fetch';

import type { paths } from './kommando-client/schema.js';
import { address, basic, drive, type Who } from './drive.js';

function authorization(who: Who): Record<string, string> {
    if (!who) return {};
    return { Authorization: 'ticket' in who ? `SoTicket ${who.ticket}` : basic(who.name, who.password) };
}

function of(response: Response, body: unknown) {
    return { status: response.status, headers: Object.fromEntries(response.headers), body };
}

await drive((who) => {
    const client = createClient<paths>({ baseUrl: address, headers: authorization(who) });
    return {
        list: async ({ id }) => {
            const { response, data, error } = await client.GET('/api/v1/User/{id}/CustomCommand', { params: { path: { id } } });
            return of(response, data ?? error);
        },
        execute: async ({ id, commandName, actionResult, idempotencyKey, dryRun }) => {
            const header = {
                ...(idempotencyKey && { 'Idempotency-Key': idempotencyKey }),
                ...(dryRun && { 'X-Dry-Run': dryRun }),
            };
            const params = { path: { id, commandName }, query: { actionResult }, header };
            const { response, data, error } = await client.POST('/api/v1/User/{id}/CustomCommand/{commandName}', { params });
            return of(response, data ?? error);
        },
        everyType: async ({ id, inputs, actionResult }) => {
            const params = { path: { id }, query: { actionResult: actionResult as 'Implicit' | 'Yes' | 'No' } };
            const { response, data, error } = await client.POST('/api/v1/User/{id}/CustomCommand/every-type', { params, body: inputs });
            return of(response, data ?? error);
        },
        user: async ({ id, select }) => {
            const params = { path: { id }, query: { $select: select } };
            const { response, data, error } = await client.GET('/api/v1/User/{id}', { params });
            return of(response, data ?? error);
        },
        logIn: async ({ userName, password }) => {
            const { response, data, error } = await client.POST('/_ext/session', { body: { userName, password } });
            return { ...of(response, data ?? error), ticket: data?.ticket };
        },
        executions: async ({ limit }) => {
            const { response, data, error } = await client.GET('/_ext/executions', { params: { query: { limit } } });
            return { ...of(response, data ?? error), newest: data?.executions[0]?.id };
        },
        execution: async ({ execution }) => {
            const { response, data, error } = await client.GET('/_ext/executions/{id}', { params: { path: { id: execution } } });
            return of(response, data ?? error);
        },
    };
});
