// The survey's page in every language and at every width, light and dark: its words, its direction, that it fits, what axe says.
//
// Parameters: link; languages, a list of { locale, lang, dir }.

import assert from 'node:assert/strict';
import { DESKTOP, PHONE, SMALL, fitsSideways, parameters, run } from './chromium.mjs';

/** A window of 1280 px at 400 %. */
const ZOOMED = { width: 320, height: 256 };
const WINDOWS = { desktop: DESKTOP, phone: PHONE, small: SMALL, zoomed: ZOOMED };

await run(async (session) => {
  const questions = new Set();
  for (const { locale, lang, dir } of parameters.languages) {
    for (const colorScheme of ['light', 'dark']) {
      await session.step(`${lang}, ${colorScheme}`, async () => {
        const page = await session.open({ locale, colorScheme });
        await page.goto(parameters.link);
        const html = page.locator('html');
        assert.equal(await html.getAttribute('lang'), lang);
        assert.equal(await html.getAttribute('dir'), dir);
        questions.add(await page.getByRole('heading', { level: 1 }).innerText());
        for (const [name, viewport] of Object.entries(WINDOWS)) {
          await page.setViewportSize(viewport);
          await fitsSideways(page);
          await session.screenshot(page, `${lang}-${colorScheme}-${name}`);
        }
        await session.accessible(page);
        await page.context().close();
      });
    }
  }
  assert.equal(questions.size, parameters.languages.length, 'each language has words of its own');
});
