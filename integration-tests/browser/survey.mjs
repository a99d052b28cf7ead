// The survey's page as a customer meets it: answers, changes, comments, and tries to change again.
//
// Parameters: link; settings of the page (javaScriptEnabled, colorScheme, viewport), name (of the screenshots).

import assert from 'node:assert/strict';
import { fitsSideways, parameters, run } from './chromium.mjs';

const { link, name } = parameters;
const MOST_BYTES = 30 * 1024;
const LONG = 'ab '.repeat(2000);

/** What is sent for a page, in bytes, and that nothing comes from anywhere else. */
function weigh(page, session) {
  const weight = { bytes: 0, requests: 0 };
  page.on('response', async (response) => {
    if (!response.url().startsWith('http')) return;
    if (new URL(response.url()).origin !== new URL(link).origin) session.fault(`asks a stranger: ${response.url()}`);
    weight.requests += 1;
    const sizes = await response.request().sizes().catch(() => ({ responseHeadersSize: 0, responseBodySize: 0 }));
    weight.bytes += sizes.responseHeadersSize + sizes.responseBodySize;
  });
  return weight;
}

async function looked(session, page, state) {
  await fitsSideways(page);
  await session.accessible(page);
  await session.screenshot(page, `${name}-${state}`);
}

const radio = (page, word) => page.getByRole('radio', { name: word, exact: true });

async function rate(page, word, button) {
  await radio(page, word).check();
  await page.getByRole('button', { name: button }).click();
}

await run(async (session) => {
  const page = await session.open(parameters.settings);
  const weight = weigh(page, session);
  // Opened before any answer: what it shows grows old.
  const other = await session.open(parameters.settings);
  // A page that did not save what was sent says so with its status too; Chromium tells the console.
  session.expect('Failed to load resource: the server responded with a status of 4');

  await session.step('the page shows the question and five words', async () => {
    const response = await page.goto(link);
    await other.goto(link);
    assert.equal(response.status(), 200);
    const words = await page.getByRole('radio').evaluateAll((all) => all.map((one) => one.labels[0].innerText.trim()));
    assert.deepEqual(words, ['Terrible', 'Bad', 'OK', 'Great', 'Amazing']);
    assert.equal(await page.getByRole('textbox').count(), 0);
    assert.ok(weight.bytes > 0 && weight.bytes <= MOST_BYTES, JSON.stringify(weight));
    await looked(session, page, '1-open');
  });
  const first = { ...weight };

  await session.step('an address that preselects sends nothing', async () => {
    await page.goto(`${link}?r=amazing`);
    assert.ok(await radio(page, 'Amazing').isChecked());
    await page.goto(link);
    assert.equal(await page.getByRole('radio', { checked: true }).count(), 0);
  });

  await session.step('a reaction is saved, and the page invites to say more', async () => {
    await rate(page, 'Great', 'Send rating');
    await page.getByText(/Saved: \W?Great/).waitFor();
    await page.getByRole('textbox', { name: 'Your comment' }).waitFor();
    assert.ok(await page.getByText('neither can be changed').isVisible(), 'that a comment locks is said before it is sent');
    await looked(session, page, '2-rated');
  });

  await session.step('the reaction is changed', async () => {
    await rate(page, 'OK', 'Change rating');
    await page.getByText(/your rating is now \W?OK/).waitFor();
    assert.ok(await radio(page, 'OK').isChecked());
    await looked(session, page, '3-changed');
  });

  await session.step('reloading sends nothing again', async () => {
    await page.reload();
    assert.ok(await radio(page, 'OK').isChecked());
  });

  await session.step('a comment that is too long is refused, kept in the form, and counted', async () => {
    await page.getByRole('textbox').fill(LONG);
    await page.getByRole('button', { name: 'Send comment' }).click();
    await page.getByRole('alert').waitFor();
    assert.match(await page.getByRole('alert').innerText(), /5[,.]?999/);
    assert.equal((await page.getByRole('textbox').inputValue()).trim(), LONG.trim());
    await looked(session, page, '4-too-long');
  });

  await session.step('a comment is saved and ends it', async () => {
    await page.getByRole('textbox').fill('The <b>second</b> lamp came & shines.\nThank you! 日本語 👍');
    await page.getByRole('button', { name: 'Send comment' }).click();
    await page.getByText('Saved: your comment').waitFor();
    assert.equal(await page.getByRole('radio').count(), 0);
    assert.equal(await page.getByRole('textbox').count(), 0);
    await looked(session, page, '5-final');
  });

  await session.step('an old tab cannot change it', async () => {
    await rate(other, 'Terrible', 'Send rating');
    await other.getByRole('alert').waitFor();
    assert.match(await other.getByRole('alert').innerText(), /final/);
    await looked(session, other, '6-locked');
  });

  await session.step('nothing is kept in the browser', async () => {
    assert.deepEqual(await page.context().cookies(), []);
    const { origins } = await page.context().storageState();
    assert.deepEqual(origins, []);
  });
  return first;
});
