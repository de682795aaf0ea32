export default {
    input: 'kommando.json',
    output: { path: 'kommando-client', module: { extension: '.js' } },
    plugins: [
        '@hey-api/typescript',
        '@hey-api/client-fetch',
        {
            name: '@hey-api/sdk',
            operations: {
                strategy: 'byTags',
                containerName: '{{name}}Api', // UserApi; User is what is carried
                // executeUserCommand instead of v1UserExecuteUserCommand
                methodName: (name) => name.replace(/^v1[A-Za-z]+_/, ''),
            },
        },
    ],
};
