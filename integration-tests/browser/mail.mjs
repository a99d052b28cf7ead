// A mail as a customer reads it, and where its links lead.
//
// Parameters: html, text (the two parts of the mail), name.

import assert from 'node:assert/strict';
import { DESKTOP, PHONE, fitsSideways, parameters, run } from './chromium.mjs';

const WORDS = ['Terrible', 'Bad', 'OK', 'Great', 'Amazing'];

await run(async (session) => {
  const page = await session.open();
  let links;
  await session.step('the mail has five words that are links, and needs nothing from outside', async () => {
    const asked = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.setContent(parameters.html);
    links = await page.getByRole('link').evaluateAll((all) => all.map((one) => [one.innerText.trim(), one.href]));
    for (const word of WORDS) assert.ok(links.some(([text]) => text.includes(word)), `a link for ${word} in ${JSON.stringify(links)}`);
    for (const [name, viewport] of [['desktop', DESKTOP], ['phone', PHONE]]) {
      await page.setViewportSize(viewport);
      await fitsSideways(page);
      await session.screenshot(page, `mail-${name}`);
    }
    assert.deepEqual(asked, []);
  });
  await session.step('the text part has the same links', async () => {
    for (const [text, href] of links) if (WORDS.some((word) => text.includes(word))) assert.ok(parameters.text.includes(href), href);
  });
  await session.step('a link preselects, and the customer sends', async () => {
    const [, href] = links.find(([text]) => text.includes('Great'));
    await page.goto(href);
    assert.ok(await page.getByRole('radio', { name: 'Great', exact: true }).isChecked());
    await page.getByRole('button', { name: 'Send rating' }).click();
    await page.getByText(/Saved: \W?Great/).waitFor();
    await session.accessible(page);
  });
  await session.step('another link of the mail preselects another, and changes nothing by itself', async () => {
    const [, href] = links.find(([text]) => text.includes('Bad'));
    await page.goto(href);
    assert.ok(await page.getByRole('radio', { name: 'Bad', exact: true }).isChecked());
    assert.ok(await page.getByText(/Your rating: \W?Great/).isVisible());
    await page.getByRole('button', { name: 'Change rating' }).click();
    await page.getByText(/your rating is now \W?Bad/).waitFor();
  });
});
