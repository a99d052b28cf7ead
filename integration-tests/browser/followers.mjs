// A robot that runs scripts: opens links, waits until all is quiet, moves the pointer, follows what can be followed. It sends no form.
//
// Parameters: links, times.

import assert from 'node:assert/strict';
import { parameters, run } from './chromium.mjs';

const REACTIONS = ['terrible', 'bad', 'ok', 'great', 'amazing'];

await run(async (session) => {
  const sent = [];
  let opened = 0;
  await session.step('open, wait, follow', async () => {
    const page = await session.open();
    page.on('request', (request) => { if (request.method() !== 'GET') sent.push(`${request.method()} ${request.url()}`); });
    for (let number = 0; number < parameters.times; number += 1) {
      const link = parameters.links[number % parameters.links.length];
      await page.goto(`${link}?r=${REACTIONS[number % REACTIONS.length]}`, { waitUntil: 'networkidle' });
      opened += 1;
      await page.mouse.move(200, 300);
      await page.mouse.wheel(0, 2000);
      for (const href of await page.locator('a[href]').evaluateAll((all) => all.map((one) => one.href))) {
        if (new URL(href).origin === new URL(link).origin) {
          await page.goto(href, { waitUntil: 'networkidle' });
          opened += 1;
        }
      }
      await page.goBack().catch(() => {});
    }
  });
  assert.deepEqual(sent, []);
  return { opened };
});
