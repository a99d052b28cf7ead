// A manager's day on the pages of a running demo: sees the drop, opens the teammates, filters terrible and bad, reads, marks as followed
// up, asks why a conversation was not rated, changes a target, and watches the heart fill while ratings arrive.

import assert from 'node:assert/strict';

import { PHONE, SMALL, fitsSideways, parameters, run } from './chromium.mjs';

const { address } = parameters;
const workspace = `${address}/acme`;
const shareOf = (text) => Number.parseFloat(text);

/** The day's work with the mouse and a script. */
async function drop(session, page) {
  await page.goto(`${address}/`);
  await page.getByRole('link', { name: 'Acme', exact: true }).click();
  await page.waitForURL(/\/summary$/);
  assert.match(await page.locator('.figure').first().innerText(), /Positive share\s+\d+\.\d%/i);
  await page.getByText('The same as a table').click();
  const days = await page.locator('#as-table tbody tr').evaluateAll((rows) => rows.map((row) => {
    const cells = [...row.cells].map((cell) => cell.textContent);
    return { day: cells[0], ratings: Number(cells[6].replaceAll(',', '')), share: Number.parseFloat(cells[7]), href: row.querySelector('a').getAttribute('href') };
  }));
  const worst = days.filter((day) => day.ratings >= 10).reduce((a, b) => (a.share < b.share ? a : b));
  assert.ok(worst.share < 65, `the incident can be seen: ${JSON.stringify(worst)}`);
  const column = page.locator(`#time g[data-href="${worst.href}"]`).first();
  await session.accessible(page);
  await session.screenshot(page, 'summary');
  await column.click();
  await page.waitForURL((url) => url.pathname.endsWith('/ratings') && url.search !== '');
  assert.ok((await page.locator('.entry').count()) > 0, 'a click on the column leads to its ratings');
}

async function teammates(session, page) {
  await page.getByRole('link', { name: 'Teammates' }).click();
  const share = page.getByRole('columnheader', { name: /Positive share/ });
  assert.equal(await share.getAttribute('aria-sort'), 'descending');
  await share.getByRole('link').click();
  await page.waitForURL(/sort=share/);
  assert.equal(await share.getAttribute('aria-sort'), 'ascending');
  const shares = (await page.locator('.share .strong').allInnerTexts()).map(shareOf);
  assert.ok(shares.length >= 8, 'a team');
  assert.deepEqual(shares, [...shares].sort((a, b) => a - b), 'sorted by the share');
  await session.accessible(page);
  await session.screenshot(page, 'teammates');
  await page.locator('.team tbody tr').first().getByRole('link').first().click();
  await page.waitForURL(/\/teammates\/\w+/);
  await session.accessible(page);
  await session.screenshot(page, 'teammate');
}

/** Returns the conversation of the rating that was followed up. */
async function followUp(session, page) {
  await page.getByRole('link', { name: 'Ratings', exact: true }).click();
  await page.locator('.dropdown summary').click();
  await page.getByRole('checkbox', { name: 'Terrible' }).check();
  await page.getByRole('checkbox', { name: 'Bad' }).check();
  await page.locator('select[name=commented]').selectOption({ label: 'With a comment' });
  await page.getByRole('button', { name: 'Show' }).click();
  await page.waitForURL(/reactions=terrible/);
  const words = await page.locator('.entry .who strong').allInnerTexts();
  assert.ok(words.length > 0 && words.every((word) => ['Terrible', 'Bad'].includes(word)), `only those: ${words}`);
  const comment = await page.locator('.entry blockquote').first().innerText();
  assert.ok(comment.length > 10, 'a comment to read');
  await session.accessible(page);
  await page.evaluate(() => { globalThis.sameDocument = true; });
  const entry = page.locator('.entry').first();
  const id = await entry.getAttribute('id');
  await entry.getByRole('button', { name: 'Mark as followed up' }).click();
  await page.locator(`#${id} .done`).waitFor();
  assert.ok(await page.evaluate(() => globalThis.sameDocument), 'the page was not loaded anew');
  await session.screenshot(page, 'ratings');
  await page.goto(`${workspace}/ratings?followed_up=yes`);
  assert.equal(await page.locator('.entry').count(), 1, 'the list of what was followed up');
  assert.match(await page.locator('.done').innerText(), /Followed up by .+, \w{3} \d/);
}

async function whyNot(session, page) {
  await page.getByRole('link', { name: 'Why not' }).click();
  await page.getByRole('link', { name: 'Conversation too short' }).click();
  await page.locator('#closes .closes').waitFor();
  await session.accessible(page);
  await session.screenshot(page, 'why-not');
  const id = await page.locator('#closes tbody th a').first().innerText();
  await page.locator('#conversation').fill(id);
  await page.getByRole('button', { name: 'Tell its story' }).click();
  await page.waitForURL(/\/conversations\//);
  assert.match(await page.locator('#verdict').innerText(), /Not asked/);
  const failed = page.locator('.checks .failed', { hasText: 'too_short' });
  assert.match(await failed.first().innerText(), /\d+ characters\s+over 250/);
  await page.locator('.moment.fact', { hasText: 'Conversation started' }).waitFor();
  await session.accessible(page);
  await session.screenshot(page, 'story');
}

async function target(session, page) {
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByLabel('Positive share to reach').fill('92.5');
  await page.getByRole('textbox', { name: 'Share of amara in per cent' }).fill('97');
  await session.accessible(page);
  await page.getByRole('button', { name: /Save as version/ }).click();
  await page.getByText(/Saved as version \d/).waitFor();
  const first = await page.locator('.versions tbody tr').first().innerText();
  assert.match(first, /in force/);
  assert.match(first, /amara: 97%/);
  await session.screenshot(page, 'settings');
  await page.goto(`${workspace}/teammates`);
  const reason = await page.locator('.team tbody tr', { hasText: 'amara' }).locator('.reason').first().innerText();
  assert.match(reason, /97%/);
}

async function heart(session, page) {
  await page.goto(`${workspace}/summary`);
  const number = page.locator('#heart .number');
  const before = Number(await number.innerText());
  await page.waitForFunction((least) => Number(document.querySelector('#heart .number').textContent) > least, before);
  await page.locator('#heart').click();
  await page.waitForURL(/\/heart$/);
  const first = await page.locator('.hearty').first().getAttribute('id');
  await page.mouse.move(1270, 790);
  await page.waitForFunction((id) => document.querySelector('.hearty').id !== id, first);
  await session.accessible(page);
  await session.screenshot(page, 'heart');
}

/** What is new comes to a list that is being read, and nothing moves. */
async function calm(page) {
  await page.goto(`${workspace}/ratings`);
  await page.evaluate(() => scrollTo(0, 700));
  const place = () => page.locator('.entry').nth(8).evaluate((entry) => [entry.id, Math.round(entry.getBoundingClientRect().top)]);
  const before = await place();
  await page.getByRole('button', { name: /new: show/ }).waitFor();
  assert.deepEqual(await place(), before, 'nothing moved');
  await page.getByRole('button', { name: /new: show/ }).click();
  assert.ok((await page.locator('.entry.fresh').count()) > 0, 'the new ones are shown when asked for');
}

/** The same pages on a telephone, and one of them without a script. */
async function elsewhere(session) {
  const phone = await session.open({ viewport: PHONE, colorScheme: 'dark' });
  for (const page of ['summary', 'teammates', 'teammates/ines', 'ratings', 'heart', 'why-not', 'settings']) {
    await phone.goto(`${workspace}/${page}`);
    await fitsSideways(phone);
    await session.accessible(phone);
    await session.screenshot(phone, `phone-${page.replace('/', '-')}`);
    await phone.setViewportSize(SMALL);
    await fitsSideways(phone);
    await phone.setViewportSize(PHONE);
  }
  const plain = await session.open({ javaScriptEnabled: false });
  await plain.goto(`${workspace}/ratings?reactions=terrible`);
  const id = await plain.locator('.entry', { has: plain.getByRole('button', { name: 'Mark as followed up' }) }).last().getAttribute('id');
  await plain.locator(`#${id}`).getByRole('button').click();
  await plain.waitForURL(new RegExp(`#${id}$`));
  assert.equal(await plain.locator(`#${id} .done`).count(), 1, 'marked without a script');
}

await run(async (session) => {
  const page = await session.open();
  await session.step('sees the drop', () => drop(session, page));
  await session.step('opens the teammates', () => teammates(session, page));
  await session.step('filters, reads, follows up', () => followUp(session, page));
  await session.step('asks why not', () => whyNot(session, page));
  await session.step('changes a target', () => target(session, page));
  await session.step('watches the heart', () => heart(session, page));
  await session.step('reads a list while it grows', () => calm(page));
  await session.step('a telephone, and no script', () => elsewhere(session));
});
