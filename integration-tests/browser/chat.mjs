// The survey inside the chat of a site of another address, whose Content-Security-Policy is as strict as one can be.
//
// Parameters: port (where the site is served), survey (the address of the customers' pages), link, another (link), language's link (arabic).

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { DESKTOP, PHONE, fitsSideways, parameters, run } from './chromium.mjs';

const { port, survey, link, another } = parameters;

const POLICY = `default-src 'none'; script-src 'self' ${survey}; frame-src ${survey}; style-src 'self'; img-src data:; `
  + "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HTML = (lang, dir) => `<!doctype html>
<html lang="${lang}" dir="${dir}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>A shop</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/shop.css">
<script src="${survey}/messenger.js" defer></script><script src="/shop.js" defer></script></head>
<body><main><h1>A shop</h1><p>Our chat:</p><div id="chat"></div><p><button id="next">Next</button></p></main></body></html>`;

const FILES = {
  '/shop.css': ['text/css', ':root { color-scheme: light dark } body { font-family: sans-serif; margin: 16px } #chat { max-width: 30rem }'],
  '/shop.js': ['text/javascript', `
    window.states = [];
    document.addEventListener('afterword-survey', ({ detail }) => states.push(detail.state));
    window.ask = (link) => {
      const survey = document.createElement('afterword-survey');
      survey.setAttribute('link', link);
      document.getElementById('chat').replaceChildren(survey);
    };`],
  '/': ['text/html; charset=utf-8', HTML('en', 'ltr')],
  '/ar': ['text/html; charset=utf-8', HTML('ar', 'rtl')],
};

const site = createServer((request, response) => {
  const [type, body] = FILES[request.url] ?? ['text/plain', ''];
  response.setHeader('content-type', type);
  response.setHeader('content-security-policy', POLICY);
  response.end(body);
}).listen(port, '127.0.0.1');

const states = (page) => page.evaluate(() => window.states);
const region = (page) => page.getByRole('region');
const inside = (page) => page.frameLocator('afterword-survey iframe');

async function chat(session, settings, path, asked, host = 'localhost') {
  const page = await session.open(settings);
  await page.goto(`http://${host}:${port}${path}`);
  if (asked) {
    await page.evaluate((text) => window.ask(text), asked);
    await inside(page).getByRole('radio').first().waitFor();
    await region(page).waitFor();
  }
  return page;
}

/** All of the survey can be seen: nothing in the frame is cut off or scrolls. */
async function whole(page) {
  const { needed, given } = await inside(page).locator('html').evaluate((html) => ({
    needed: html.getBoundingClientRect().height, given: window.innerHeight,
  }));
  assert.ok(needed > 200 && Math.abs(given - needed) <= 1, `the frame is ${given} px tall and needs ${needed}`);
}

await run(async (session) => {
  let page;
  await session.step('the survey appears, and takes no focus', async () => {
    page = await chat(session, { viewport: { ...DESKTOP, height: 1400 } }, '/', link);
    assert.deepEqual(await states(page), ['open']);
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'BODY');
    await whole(page);
    await session.accessible(page);
    await session.screenshot(page, 'chat-1-open');
  });
  // The page's own script gives the focus then.
  session.expect('Blocked autofocusing');
  await session.step('a reaction, by keyboard', async () => {
    await page.getByRole('heading', { level: 1, name: 'A shop' }).click();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await inside(page).getByText(/Saved: \W?Bad/).waitFor();
    await page.waitForFunction(() => window.states.length === 2);
    assert.equal(await inside(page).locator(':focus').getAttribute('id'), 'said');
    await whole(page);
    await session.accessible(page);
    await session.screenshot(page, 'chat-2-rated');
  });
  await session.step('a comment', async () => {
    await inside(page).getByRole('textbox').fill('In the chat');
    await inside(page).getByRole('button', { name: 'Send comment' }).click();
    await inside(page).getByText('Saved: your comment').waitFor();
    await page.waitForFunction(() => window.states.length === 3);
    await session.screenshot(page, 'chat-3-final');
  });
  await session.step('the customer sends it away', async () => {
    await page.locator('afterword-survey').getByRole('button').click();
    assert.equal(await region(page).count(), 0);
    assert.deepEqual(await states(page), ['open', 'rated', 'final', 'closed']);
  });
  await session.step('right to left, dark, on a phone', async () => {
    const arabic = await chat(session, { locale: 'ar-EG', colorScheme: 'dark', viewport: PHONE }, '/ar', another);
    assert.equal(await region(arabic).getAttribute('dir'), 'rtl');
    await fitsSideways(arabic);
    await session.accessible(arabic);
    await session.screenshot(arabic, 'chat-4-arabic');
  });
  await session.step('links of anybody else are shown to nobody', async () => {
    const wrong = await chat(session, {}, '/');
    const links = ['javascript:alert(1)', 'data:text/html,x', `http://localhost:${port}/`, `${survey}/`, `${survey}.example/r/x`, '/r/x', 'x'];
    for (const text of links) await wrong.evaluate((one) => window.ask(one), text);
    assert.deepEqual(await states(wrong), links.map(() => 'failed'));
    assert.equal(await wrong.locator('iframe').count(), 0);
  });
  await session.step('a link that is none tells so, and can be sent away', async () => {
    session.expect('Failed to load resource: the server responded with a status of 404');
    const gone = await session.open();
    await gone.goto(`http://localhost:${port}/`);
    await gone.evaluate((text) => window.ask(text), `${survey}/r/nothing`);
    await gone.waitForFunction(() => window.states.length === 1);
    assert.deepEqual(await states(gone), ['gone']);
  });
  await session.step('a site that may not frame it shows nothing', async () => {
    session.expect('frame-ancestors');
    session.expect('Framing');
    const stranger = await session.open();
    await stranger.clock.install();
    await stranger.goto(`http://127.0.0.1:${port}/`);
    await stranger.evaluate((text) => window.ask(text), another);
    await stranger.clock.fastForward(16_000);
    await stranger.waitForFunction(() => window.states.length === 1);
    assert.deepEqual(await states(stranger), ['failed']);
    assert.equal(await stranger.locator('iframe').count(), 0);
  });
  await session.step('nothing is kept in the browser', async () => {
    assert.deepEqual(await page.context().cookies(), []);
    assert.deepEqual((await page.context().storageState()).origins, []);
  });
});
site.close();
site.closeAllConnections();
