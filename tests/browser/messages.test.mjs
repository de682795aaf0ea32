// The console's texts in its languages. Needs no browser.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';

/** Selectors, which look like keys. */
const NO_KEYS = ['button.primary', 'button.run'];

const root = new URL('../../', import.meta.url);
const folder = new URL('src/api/pages/console/', root);

const read = name => readFile(new URL(name, folder), 'utf8');
const namesIn = async path => (await readdir(new URL(path, root))).sort();
const matches = (text, pattern) => [...text.matchAll(pattern)].map(([, found]) => found);

/** The texts of each language. */
const files = (await namesIn('src/api/pages/console')).filter(name => /^messages\...\.js$/.test(name));
const catalogues = new Map();
for (const file of files) {
    const { default: texts } = await import(`data:text/javascript,${encodeURIComponent(await read(file))}`);
    catalogues.set(file.split('.')[1], texts);
}
const english = catalogues.get('en');

test('the console has the languages of the server', async () => {
    const server = (await namesIn('localization')).filter(name => /^..\.toml$/.test(name)).map(name => name.split('.')[0]);
    assert.deepEqual([...catalogues.keys()], server);
    const [, offered] = /LANGUAGES = \{(.*?)\}/s.exec(await read('messages.js'));
    assert.deepEqual(matches(offered, /(\w+):/g).sort(), server);
});

test('every language has every text', () => {
    for (const [language, texts] of catalogues) {
        assert.deepEqual(Object.keys(texts), Object.keys(english), language);
        const empty = Object.keys(texts).filter(key => !forms(texts[key]).every(Boolean));
        assert.deepEqual(empty, [], language);
    }
});

test('translations have the same values and plural forms', () => {
    const values = text => matches(text, /\{(\w+)\}/g).sort();
    for (const [language, texts] of catalogues) {
        for (const [key, text] of Object.entries(texts)) {
            const place = `${language} ${key}`;
            assert.equal(typeof text, typeof english[key], place);
            if (typeof text === 'object') assert.deepEqual(Object.keys(text), ['one', 'other'], place);
            for (const form of forms(text)) assert.deepEqual(values(form), values(forms(english[key])[0]), place);
        }
    }
});

test('the texts that the code asks for are all there are', async () => {
    const modules = (await namesIn('src/api/pages/console')).filter(name => name.endsWith('.js') && !files.includes(name));
    const sources = await Promise.all(['index.html', '../docs/docs.js', ...modules].map(read));
    const code = sources.join('\n');
    const groups = new Set(Object.keys(english).map(key => key.split('.')[0]));
    const written = matches(code, /['"]([a-zA-Z]+\.[a-zA-Z]+)['"]/g).filter(key => groups.has(key.split('.')[0]));
    const unknown = written.filter(key => !(key in english) && !NO_KEYS.includes(key));
    assert.deepEqual(unknown, []);
    const prefixes = matches(code, /t\(`(\w+\.)\$\{/g);
    const unused = Object.keys(english).filter(key => !written.includes(key) && !prefixes.some(prefix => key.startsWith(prefix)));
    assert.deepEqual(unused, []);
});

test('the page without scripts has the English texts', async () => {
    const html = await read('index.html');
    for (const [, key, text] of html.matchAll(/data-text="([^"]+)"[^>]*>([^<]*)</g)) assert.equal(text, english[key], key);
    for (const [, key, text] of html.matchAll(/data-aria-label="([^"]+)" aria-label="([^"]+)"/g)) assert.equal(text, english[key], key);
});

const forms = text => (typeof text === 'object' ? Object.values(text) : [text]);
