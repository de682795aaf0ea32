// Debian's Chromium, and pages in it that are held to ask nobody else, and to run into nothing.

import assert from 'node:assert/strict';

import axe from 'axe-core';
import { chromium } from 'playwright-core';

export const launch = () =>
    chromium.launch({
        executablePath: '/usr/bin/chromium',
        args: [
            '--no-sandbox', // root has none
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

/** Swagger UI takes the underscore of an operationId in an address for a blank that is written so, and says that it is old. */
const HARMLESS = 'Deprecated: escaping deep link whitespace';

/** A page of its own, with a `check` of what it did. Refusals by a status are no complaint where they are expected. */
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
        assert.deepEqual(strangers, [], 'the page asks nobody else');
        const isRefusal = text => isRefused && text.startsWith('Failed to load resource');
        assert.deepEqual(complaints.filter(text => !isRefusal(text)), [], 'the console has no errors');
    }
    return { page, check };
}

/** What keeps people out, as axe judges it. */
export async function findings(page, within = ':root') {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(within => axe.run(within, { resultTypes: ['violations'] }), within);
    return violations;
}

/** Nothing serious keeps people out. Answers what else was found. */
export async function assertAccessible(page, what, within) {
    const violations = await findings(page, within);
    const isSerious = ({ impact }) => ['serious', 'critical'].includes(impact);
    const place = ({ html, failureSummary }) => `  ${html}\n  ${failureSummary}`;
    const tell = ({ id, help, nodes }) => [`${id}: ${help}`, ...nodes.map(place)].join('\n');
    assert.deepEqual(violations.filter(isSerious).map(tell), [], what);
    return violations.map(({ id, impact }) => `${id} (${impact})`);
}
