// The survey's page with the keyboard alone: Tab, arrows, Space, Enter, and typing.

import assert from 'node:assert/strict';
import { parameters, run } from './chromium.mjs';

const focused = (page) => page.evaluate(() => {
  const { tagName, type, value, id } = document.activeElement;
  return { tagName, type, value, id };
});

/** Tab until this has the focus; each stop must be seen. */
async function tabTo(page, matches) {
  for (let stops = 0; stops < 12; stops += 1) {
    await page.keyboard.press('Tab');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, 'none', `the focus cannot be seen on ${JSON.stringify(await focused(page))}`);
    if (matches(await focused(page))) return;
  }
  assert.fail(`Tab did not come there; it is at ${JSON.stringify(await focused(page))}`);
}

const isRadio = ({ type }) => type === 'radio';
const isButton = ({ tagName }) => tagName === 'BUTTON';
const isText = ({ tagName }) => tagName === 'TEXTAREA';

await run(async (session) => {
  const page = await session.open();
  await session.step('choose by arrows, send by Enter', async () => {
    await page.goto(parameters.link);
    await tabTo(page, isRadio);
    await page.keyboard.press('Space');
    for (let step = 0; step < 3; step += 1) await page.keyboard.press('ArrowDown');
    assert.equal((await focused(page)).value, 'great');
    await page.keyboard.press('Enter');
    await page.getByText(/Saved: \W?Great/).waitFor();
  });
  await session.step('what happened has the focus', async () => {
    assert.equal((await focused(page)).id, 'said');
  });
  await session.step('change by arrows, send by the button', async () => {
    await tabTo(page, isText);
    await tabTo(page, isRadio);
    await page.keyboard.press('ArrowDown');
    await tabTo(page, isButton);
    await page.keyboard.press('Space');
    await page.getByText(/your rating is now \W?Amazing/).waitFor();
  });
  await session.step('type a comment, send it', async () => {
    await tabTo(page, isText);
    await page.keyboard.type('Quick and kind.');
    await tabTo(page, isButton);
    await page.keyboard.press('Enter');
    await page.getByText('Saved: your comment').waitFor();
    assert.equal((await focused(page)).id, 'said');
  });
});
