// Launches Debian's Chromium and opens pages that must not contact other hosts or log errors.

import assert from 'node:assert/strict';

import axe from 'axe-core';
import { chromium } from 'playwright-core';

export const launch = () =>
    chromium.launch({
        executablePath: '/usr/bin/chromium',
        args: [
            '--no-sandbox', // does not work as root
            '--disable-gpu',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
        ],
    });

export const WIDE = { width: 1280, height: 900 };
export const NARROW = { width: 375, height: 720 };

/** A false warning of Swagger UI: it takes the underscore of an operationId in the URL for an escaped blank. */
const HARMLESS = 'Deprecated: escaping deep link whitespace';

/** Opens a page; `check` asserts that it contacted no other host and logged no error, except for expected refusals. */
export async function openPage(browser, address, settings = {}) {
    const context = await browser.newContext({ viewport: WIDE, locale: 'en-GB', timezoneId: 'Europe/Oslo', ...settings });
    const page = await context.newPage();
    const requests = [];
    const complaints = [];
    page.on('request', request => requests.push(request.url()));
    page.on('websocket', socket => requests.push(socket.url()));
    page.on('pageerror', error => complaints.push(error.message));
    page.on('console', message => {
        if (message.type() === 'error' && !message.text().startsWith(HARMLESS)) complaints.push(`${message.text()} (${message.location().url})`);
    });
    async function check({ isRefused = false } = {}) {
        const strangers = requests.filter(url => !/^(data|blob):/.test(url) && new URL(url).origin !== address);
        await context.close();
        assert.deepEqual(strangers, [], 'the page contacts no other host');
        const isRefusal = text => isRefused && text.startsWith('Failed to load resource');
        assert.deepEqual(complaints.filter(text => !isRefusal(text)), [], 'the console has no errors');
    }
    return { page, check };
}

/** The accessibility violations that axe finds. */
export async function findings(page, within = ':root') {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(within => axe.run(within, { resultTypes: ['violations'] }), within);
    return violations;
}

/** Asserts that there is no serious accessibility violation; returns the others. */
export async function assertAccessible(page, what, within) {
    const violations = await findings(page, within);
    const isSerious = ({ impact }) => ['serious', 'critical'].includes(impact);
    const place = ({ html, failureSummary }) => `  ${html}\n  ${failureSummary}`;
    const tell = ({ id, help, nodes }) => [`${id}: ${help}`, ...nodes.map(place)].join('\n');
    assert.deepEqual(violations.filter(isSerious).map(tell), [], what);
    return violations.map(({ id, impact }) => `${id} (${impact})`);
}
