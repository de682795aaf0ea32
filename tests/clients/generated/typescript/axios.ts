// Makes the calls with the client of openapi-generator, over axios.

import { type AxiosResponse, isAxiosError } from 'axios';

import { CommandsApi, Configuration, OperatorApi, SessionApi, UserApi } from './kommando-client/index.js';
import { address, drive, type Who } from './drive.js';

function configured(who: Who): Configuration {
    if (who && 'ticket' in who) {
        const apiKey = (header: string) => (header === 'Authorization' ? `SoTicket ${who.ticket}` : '');
        return new Configuration({ basePath: address, apiKey });
    }
    return new Configuration({ basePath: address, username: who?.name, password: who?.password });
}

/** A response of any status. */
async function of<T>(call: Promise<AxiosResponse<T>>) {
    const response = await call.catch((error) => {
        if (isAxiosError(error) && error.response) return error.response as AxiosResponse<T>;
        throw error;
    });
    return { status: response.status, headers: { ...response.headers }, body: response.data };
}

await drive((who) => {
    const configuration = configured(who);
    const [users, operator] = [new UserApi(configuration), new OperatorApi(configuration)];
    return {
        list: ({ id }) => of(users.getUserCommands({ id })),
        execute: ({ id, commandName, actionResult, idempotencyKey, dryRun }) =>
            of(users.executeUserCommand({ id, commandName, actionResult, idempotencyKey, dryRun })),
        everyType: ({ id, inputs, actionResult }) =>
            of(new CommandsApi(configuration).everyType({ id, everyTypeInputs: inputs, actionResult: actionResult as 'Implicit' | 'Yes' | 'No' })),
        user: ({ id, select }) => of(users.getUser({ id, $select: select })),
        logIn: async ({ userName, password }) => {
            const answer = await of(new SessionApi(configuration).beginSession({ logIn: { userName, password } }));
            return { ...answer, ticket: answer.body.ticket };
        },
        executions: async ({ limit }) => {
            const answer = await of(operator.listExecutions({ limit }));
            return { ...answer, newest: answer.body.executions[0]?.id };
        },
        execution: ({ execution }) => of(operator.getExecution({ id: execution })),
    };
});
