// Makes the calls with the client of openapi-generator, over fetch.

import {
    type ApiResponse,
    CommandsApi,
    Configuration,
    EveryTypeActionResultEnum,
    OperatorApi,
    ResponseError,
    SessionApi,
    UserApi,
} from './kommando-client/index.js';
import { address, drive, type Who } from './drive.js';

function configured(who: Who): Configuration {
    if (who && 'ticket' in who) {
        const apiKey = (header: string) => (header === 'Authorization' ? `SoTicket ${who.ticket}` : '');
        return new Configuration({ basePath: address, apiKey });
    }
    return new Configuration({ basePath: address, username: who?.name, password: who?.password });
}

/** A response of any status. */
async function of<T>(call: Promise<ApiResponse<T>>) {
    try {
        const response = await call;
        const value = await response.value();
        return { ...head(response.raw), body: value, value };
    } catch (error) {
        if (!(error instanceof ResponseError)) throw error;
        return { ...head(error.response), body: await error.response.json(), value: undefined };
    }
}

function head(response: Response) {
    return { status: response.status, headers: Object.fromEntries(response.headers) };
}

await drive((who) => {
    const configuration = configured(who);
    const [users, operator] = [new UserApi(configuration), new OperatorApi(configuration)];
    return {
        list: ({ id }) => of(users.getUserCommandsRaw({ id })),
        execute: ({ id, commandName, actionResult, idempotencyKey, dryRun }) =>
            of(users.executeUserCommandRaw({ id, commandName, actionResult, idempotencyKey, dryRun })),
        everyType: ({ id, inputs, actionResult }) => {
            const everyTypeInputs = { ...inputs, until: new Date(inputs.until) };
            const answer = actionResult as EveryTypeActionResultEnum;
            return of(new CommandsApi(configuration).everyTypeRaw({ id, everyTypeInputs, actionResult: answer }));
        },
        user: ({ id, select }) => of(users.getUserRaw({ id, $select: select })),
        logIn: async ({ userName, password }) => {
            const answer = await of(new SessionApi(configuration).beginSessionRaw({ logIn: { userName, password } }));
            return { ...answer, ticket: answer.value?.ticket };
        },
        executions: async ({ limit }) => {
            const answer = await of(operator.listExecutionsRaw({ limit }));
            return { ...answer, newest: answer.value?.executions[0]?.id };
        },
        execution: ({ execution }) => of(operator.getExecutionRaw({ id: execution })),
    };
});
