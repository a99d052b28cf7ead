// Somebody is invited, chooses a password, sees the reports, marks a rating in their name, and leaves; what they may not see is not there.

import assert from 'node:assert/strict';

import { PHONE, SMALL, fitsSideways, parameters, run } from './chromium.mjs';

const { address, invitation, password } = parameters;

async function shown(session, page, name) {
  await session.accessible(page);
  await session.screenshot(page, name);
  await page.setViewportSize(SMALL);
  await fitsSideways(page);
  await page.setViewportSize(PHONE);
}

await run(async (session) => {
  const page = await session.open({ viewport: PHONE, colorScheme: 'dark' });
  await session.step('is asked to sign in', async () => {
    await page.goto(`${address}/acme/summary`);
    await page.waitForURL(/\/login\?next=/);
    await shown(session, page, '1-login');
  });
  await session.step('a wrong password', async () => {
    await page.getByLabel('Name or email address').fill('anna@example.com');
    await page.getByLabel('Password').fill('not the password');
    session.expect('422');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    await shown(session, page, '2-wrong');
  });
  await session.step('accepts the invitation', async () => {
    await page.goto(invitation);
    await shown(session, page, '3-invitation');
    await page.locator('input[type=password]').first().fill(password);
    await page.getByRole('button').first().click();
    await page.waitForURL(/\/acme\/summary$/);
  });
  await session.step('marks a rating in their name', async () => {
    await page.goto(`${address}/acme/ratings`);
    await page.getByRole('button', { name: 'Mark as followed up' }).first().click();
    await page.locator('.done').first().waitFor();
    assert.match(await page.locator('.done').first().innerText(), /Followed up by anna@example\.com/);
    await shown(session, page, '4-ratings');
  });
  await session.step('their account', async () => {
    await page.getByRole('link', { name: 'anna@example.com' }).click();
    await page.getByText('You are signed in as').waitFor();
    await shown(session, page, '5-account');
  });
  await session.step('another workspace is not there', async () => {
    session.expect('404');
    const answer = await page.goto(`${address}/other/summary`);
    assert.equal(answer.status(), 404);
    await shown(session, page, '6-nothing');
  });
  await session.step('leaves', async () => {
    await page.goto(`${address}/acme/summary`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(/\/login$/);
    await page.goto(`${address}/acme/summary`);
    await page.waitForURL(/\/login\?next=/);
  });
});
