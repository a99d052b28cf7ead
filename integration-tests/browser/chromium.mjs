// Chromium as the scripts here drive it: alone, without the network beyond this machine, and strict about what a page may do.
//
// What is put into a sentence, a name or a number, stands between two characters that nobody sees and that keep its direction to itself:
// look for such sentences with \W? before and after it.
//
// playwright-core and axe-core lie outside the checkout (.ci/browser); NODE_PATH says where.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** Longest wait for anything a page does, in milliseconds; machines that test are busy. */
export const PATIENCE_MS = 60_000;

/** Longest time of a whole script. */
const LIMIT_MS = 600_000;

export const PHONE = { width: 360, height: 740 };
export const SMALL = { width: 320, height: 568 };
export const DESKTOP = { width: 1280, height: 800 };

/** The parameters of this run, as JSON in the first argument. */
export const parameters = JSON.parse(process.argv[2] ?? '{}');

function executable() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of NAMES) {
    try {
      return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    } catch {
      // The next name.
    }
  }
  accessSync(MAC, constants.X_OK);
  return MAC;
}

function options() {
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-domain-reliability',
    '--disable-sync', '--no-first-run', '--no-pings', '--no-proxy-server', '--disable-gpu', '--disable-dev-shm-usage',
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost'];
  // Chromium's own sandbox refuses to work for root, which is who runs in most containers.
  const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  // A user data directory of its own is made for each launch, and removed.
  return { executablePath: executable(), headless: true, args: [...quiet, ...root] };
}

/** One browser, the pages opened in it, and all that went wrong in them. */
class Session {
  constructor(browser) {
    this.browser = browser;
    this.pages = [];
    /** Pages without scripts, and how they were opened. */
    this.scriptless = new Map();
    this.faults = [];
    this.expected = [];
    this.at = 'start';
  }

  /**
   * A page of its own context: no cookies or storage are shared with another.
   * javaScriptEnabled, colorScheme, viewport, locale and so on, as playwright's newContext has them.
   */
  async open(settings = {}) {
    const context = await this.browser.newContext({ viewport: DESKTOP, locale: 'en-GB', ...settings });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    this.watch(page);
    if (settings.javaScriptEnabled === false) this.scriptless.set(page, settings);
    return page;
  }

  watch(page) {
    this.pages.push(page);
    page.on('pageerror', (error) => this.fault(`a script failed: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.fault(`the console says: ${message.text()}`);
    });
    page.on('close', () => { this.pages = this.pages.filter((other) => other !== page); });
  }

  /** Faults with these words are meant to happen. */
  expect(words) {
    this.expected.push(words);
  }

  fault(text) {
    if (!this.expected.some((words) => text.includes(words))) this.faults.push(`${text} (${this.at})`);
  }

  /** A part of the test, named in what it prints. */
  async step(name, body) {
    this.at = name;
    const began = performance.now();
    await body();
    assert.deepEqual(this.faults, [], `faults by the end of "${name}"`);
    console.log(`  ${name} (${Math.round(performance.now() - began)} ms)`);
  }

  /** What axe finds wrong, by all of its rules but the experimental ones; a page must have none. */
  async accessible(page) {
    const looked = this.scriptless.has(page) ? await this.copy(page) : page;
    const found = [];
    // Frame by frame, since those of another origin do not answer the page that holds them.
    for (const frame of looked.frames()) {
      await frame.evaluate(axe);
      const { violations } = await frame.evaluate(() => globalThis.axe.run(document, {
        iframes: false,
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      }));
      found.push(...violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.map((node) => node.html) })));
    }
    if (looked !== page) await looked.context().close();
    assert.deepEqual(found, [], 'what axe finds');
  }

  /** The same document in a page where axe can run, which it cannot where scripts are off; the page's own do not run there. */
  async copy(page) {
    const settings = this.scriptless.get(page);
    const copy = await this.open({ ...settings, javaScriptEnabled: true, viewport: page.viewportSize() });
    const body = await page.content();
    await copy.route('**/*', (route) => {
      const type = route.request().resourceType();
      if (type === 'document') return route.fulfill({ body, contentType: 'text/html; charset=utf-8' });
      return type === 'script' ? route.fulfill({ body: '', contentType: 'text/javascript' }) : route.continue();
    });
    await copy.goto(page.url());
    return copy;
  }

  async screenshot(page, name) {
    if (!parameters.screenshots) return;
    mkdirSync(parameters.screenshots, { recursive: true });
    await page.screenshot({ path: join(parameters.screenshots, `${name}.png`), fullPage: true });
  }

  async lastPictures() {
    for (const [index, page] of this.pages.entries()) {
      const name = `failed-${index}`;
      await this.screenshot(page, name).catch(() => {});
      if (parameters.screenshots) console.log(`SCREENSHOT ${join(parameters.screenshots, name)}.png of ${page.url()}`);
    }
  }
}

/** Runs a script's body with a browser; what it returns is the script's result, printed as the last line. */
export async function run(body) {
  const watchdog = setTimeout(() => {
    console.log('FAILED: the script did not end in time');
    process.exit(1);
  }, parameters.limit_ms ?? LIMIT_MS);
  const browser = await chromium.launch(options());
  const session = new Session(browser);
  try {
    const result = await body(session);
    console.log(`RESULT ${JSON.stringify(result ?? null)}`);
  } catch (error) {
    console.log(`FAILED at "${session.at}": ${error.stack ?? error}`);
    for (const fault of session.faults) console.log(`  ${fault}`);
    await session.lastPictures();
    process.exitCode = 1;
  } finally {
    await browser.close();
    clearTimeout(watchdog);
  }
}

/** Nothing reaches out of the window sideways. */
export async function fitsSideways(page) {
  const { content, window } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    window: document.documentElement.clientWidth,
  }));
  assert.ok(content <= window, `the page is ${content} px wide in a window of ${window} px`);
}
