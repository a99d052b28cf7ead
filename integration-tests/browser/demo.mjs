// The toy chat of `afterword demo`: a customer writes, a teammate answers and closes, the survey appears, the scorecard moves.
//
// Parameters: address (of the customers' pages).

import assert from 'node:assert/strict';
import { PHONE, fitsSideways, parameters, run } from './chromium.mjs';

const survey = (page) => page.frameLocator('afterword-survey iframe');
const figure = (page, id) => page.locator(`#${id}`);

async function conversation(page) {
  await page.goto(`${parameters.address}/demo`);
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('Hello, this is Robin').waitFor();
  await page.getByRole('button', { name: 'Close the conversation' }).click();
  await survey(page).getByRole('radio').first().waitFor();
  await page.getByText('webhook rating.requested').waitFor();
}

async function until(page, id, text) {
  await page.waitForFunction(([name, wanted]) => document.getElementById(name).textContent === wanted, [id, text]);
}

await run(async (session) => {
  const page = await session.open();
  await session.step('write, answer, close: the survey appears', async () => {
    await conversation(page);
    await until(page, 'asked', '1');
    assert.equal(await figure(page, 'answered').textContent(), '0');
    await session.accessible(page);
    await session.screenshot(page, '1-asked');
  });
  await session.step('the customer answers: the scorecard moves', async () => {
    await survey(page).getByRole('radio', { name: 'Amazing' }).check();
    await survey(page).getByRole('button', { name: 'Send rating' }).click();
    await survey(page).getByText(/Saved: \W?Amazing/).waitFor();
    await until(page, 'answered', '1');
    await until(page, 'positive', '100 %');
    await page.getByText('The customer says: amazing.').waitFor();
    await session.screenshot(page, '2-answered');
  });
  await session.step('the customer comments', async () => {
    await survey(page).getByRole('textbox').fill('Robin found my lamp.');
    await survey(page).getByRole('button', { name: 'Send comment' }).click();
    await survey(page).getByText('Saved: your comment').waitFor();
    await until(page, 'comments', '1');
    await page.getByText('“Robin found my lamp.”').waitFor();
    await session.accessible(page);
    await session.screenshot(page, '3-commented');
  });
  await session.step('again, on a phone, in the dark', async () => {
    const phone = await session.open({ viewport: PHONE, colorScheme: 'dark' });
    await conversation(phone);
    await until(phone, 'asked', '2');
    await fitsSideways(phone);
    await session.accessible(phone);
    await session.screenshot(phone, '4-phone');
  });
  await session.step('by the name localhost', async () => {
    const other = await session.open();
    await other.goto(`${parameters.address.replace('127.0.0.1', 'localhost')}/demo`);
    await other.getByRole('button', { name: 'Send' }).click();
    await other.getByText('Hello, this is Robin').waitFor();
    await other.getByRole('button', { name: 'Close the conversation' }).click();
    await survey(other).getByRole('radio').first().waitFor();
  });
});
