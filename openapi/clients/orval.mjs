export default {
    kommando: {
        input: 'kommando.json',
        output: {
            target: 'kommando-client/index.ts',
            client: 'fetch',
            baseUrl: { runtime: "((globalThis as any).process?.env?.API_URL ?? 'http://127.0.0.1:8080')" },
        },
    },
};
