import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { admin, type ImpProcess, startImp, temporaryFolder } from '../support/imp-process.ts';
import { missing } from '../support/programs.ts';

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const WIDTHS = [1280, 768, 320] as const;
/** A folder to leave pictures of every page in, for a person to look at. */
const PICTURES = process.env.IMP_TEST_PICTURES;

describe('the console in a browser', { skip: missing('Chromium', CHROMIUM, '--version') }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let imp: ImpProcess;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let axe: string;
  /** What the browser complained of: a blocked script or style, an error of ours. */
  const complaints: string[] = [];

  before(async () => {
    folder = await temporaryFolder();
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    [imp, browser] = await Promise.all([
      startImp({ data: folder.path }),
      chromium.launch({ executablePath: CHROMIUM, args: FLAGS }),
    ]);
    context = await browser.newContext({
      ignoreHTTPSErrors: true,
      viewport: { width: 1280, height: 900 },
      // A colour that is still on its way from one theme to the other is none to judge.
      reducedMotion: 'reduce',
    });
    context.setDefaultTimeout(20_000);
    page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
  });
  after(async () => {
    await browser?.close();
    await imp?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const heading = (): Promise<string> => page.locator('h1').innerText();

  /** Serious faults for people who do not see, or use no mouse. Axe runs in a world that our policy does not bind. */
  const openJudge = async (): Promise<{ faults(): Promise<readonly string[]>; close(): Promise<void> }> => {
    const session = await context.newCDPSession(page);
    const { frameTree } = await session.send('Page.getFrameTree');
    const frameId = frameTree.frame.id;
    const { executionContextId: contextId } = await session.send('Page.createIsolatedWorld', { frameId });
    await session.send('Runtime.evaluate', { expression: axe, contextId });
    return {
      async faults() {
        const expression =
          `axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'] })` +
          `.then(({ violations }) => violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')` +
          `.map(({ id, nodes }) => id + ': ' + nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary).join(' | ')))`;
        const run = { expression, contextId, awaitPromise: true, returnByValue: true };
        const answer = await session.send('Runtime.evaluate', run);
        assert.equal(answer.exceptionDetails, undefined, JSON.stringify(answer.exceptionDetails));
        return answer.result.value as readonly string[];
      },
      close: () => session.detach(),
    };
  };

  /** At every width and in both themes: nothing sticks out, nothing is hard to use. */
  const judge = async (name: string): Promise<void> => {
    const judging = await openJudge();
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate('document.documentElement.scrollWidth');
      assert.ok(Number(wide) <= width, `${name} is ${wide} wide on a screen of ${width}`);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        if (PICTURES !== undefined) {
          await mkdir(PICTURES, { recursive: true });
          await page.screenshot({ path: join(PICTURES, `${name}-${width}-${colorScheme}.png`), fullPage: true });
        }
        // Between them the two cover both themes and both layouts.
        const isJudged = width === 1280 ? colorScheme === 'light' : width === 320 && colorScheme === 'dark';
        if (isJudged) assert.deepEqual(await judging.faults(), [], `${name}, ${width}, ${colorScheme}`);
      }
    }
    await judging.close();
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ colorScheme: 'light' });
  };

  it('signs in, after a wrong password', async () => {
    await page.goto(`${imp.endpoints.admin}/users`);
    assert.match(page.url(), /sign-in\?next=/);
    await judge('sign-in');
    await page.getByLabel('User').fill('administrator');
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    assert.match(await page.getByRole('alert').innerText(), /not valid/);
    complaints.length = 0; // The browser reports the 401 itself.
    await page.getByLabel('User').fill('administrator');
    await page.getByLabel('Password').fill('Imp-demo-1');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/admin/users');
    assert.equal(await heading(), 'Users');
  });

  it('reaches every page by its menu, at three widths and in both themes', async () => {
    const names = await page.locator('nav a').allInnerTexts();
    assert.equal(names.length, 13);
    for (const name of names) {
      await page.locator('nav').getByRole('link', { name, exact: true }).click();
      await page.locator(`nav a[aria-current]:text-is("${name}")`).waitFor();
      assert.equal(await heading(), name);
      await judge(name.toLowerCase().replaceAll(' ', '-'));
    }
  });

  it('opens the menu on a narrow screen, with the keyboard alone', async () => {
    await page.setViewportSize({ width: 320, height: 900 });
    await page.goto(`${imp.endpoints.admin}/`);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'To the content');
    assert.equal(await page.locator('nav').isVisible(), false);
    await page.locator('#menu summary').focus();
    await page.keyboard.press('Enter');
    await page.locator('nav').getByRole('link', { name: 'Sync', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/admin/sync');
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it('says what an action does before it is done, does it, and stays fresh by itself', async () => {
    await page.goto(`${imp.endpoints.admin}/control-center`);
    const card = page.locator('#service-presence-web-service');
    await card
      .getByRole('link', { name: 'Stop …' })
      .or(card.getByRole('link', { name: /^Stop/ }))
      .first()
      .click();
    assert.equal(await heading(), 'Stop Cisco Presence Web Service?');
    assert.match(await page.locator('.effects').innerText(), /is away until somebody starts it/);
    await judge('stop');
    await page.getByRole('button', { name: 'Stop Cisco Presence Web Service' }).click();
    await page.locator('.message.done').waitFor();
    await card.locator('.badge', { hasText: 'Stopped' }).waitFor();
    // Somebody else starts it: the open page shows it without being asked.
    await admin(imp, 'POST', 'service/start', { name: 'presence-web-service' });
    await card.locator('.badge', { hasText: 'Started' }).waitFor();
    assert.equal(await page.locator('.message').count(), 1);
  });

  it('shows a sync as it goes, and a change with those who handled it', async () => {
    await page.goto(`${imp.endpoints.admin}/sync`);
    await page.getByRole('button', { name: 'Full sync' }).click();
    await page.locator('.message.done').waitFor();
    await page.locator('td', { hasText: 'end users' }).first().waitFor();
    await page.getByRole('link', { name: 'Changes', exact: true }).click();
    await admin(imp, 'POST', 'user/assign', { user: 'alice', node: '' });
    const entry = page.locator('.trace > li', { hasText: 'primarynodeid' }).first();
    await entry.waitFor();
    await entry.locator('.badge', { hasText: 'handled' }).first().waitFor();
  });

  it('finds a user, and gives back the home node', async () => {
    await page.getByRole('link', { name: 'Users', exact: true }).click();
    await page.getByLabel('User id or name holds').fill('alic');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('link', { name: 'alice', exact: true }).click();
    assert.match(await heading(), /\(alice\)$/);
    await judge('user');
    await page.getByRole('button', { name: 'Assign' }).click();
    assert.match(await page.locator('.message.done').innerText(), /alice: home node imp1/);
  });

  it('says before saving whether a parameter needs a restart', async () => {
    await page.getByRole('link', { name: 'Configuration', exact: true }).click();
    await page.getByRole('link', { name: 'maximumContacts' }).click();
    await page.getByLabel('New value').fill('321');
    await page.getByRole('button', { name: 'Look what it would do' }).click();
    assert.match(await page.locator('.effects').innerText(), /200 → 321\. Cisco Presence Engine takes it at once/);
    await judge('parameter');
    await page.getByRole('button', { name: 'Save' }).click();
    assert.match(await page.locator('.message.done').innerText(), /321/);
    await page.getByRole('button', { name: 'Back to the default' }).click();
    assert.match(await page.locator('.message.done').innerText(), /"321" → "200"/);
  });

  it('draws counters, and keeps the theme that was chosen', async () => {
    await page.getByRole('link', { name: 'Charts', exact: true }).click();
    await page.locator('.plot canvas').first().waitFor();
    await page.getByLabel('Add a counter').selectOption('imp_sync_users');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.locator('figure[data-counter="imp_sync_users"] canvas').waitFor();
    const button = page.locator('#theme');
    await button.click();
    await button.click();
    assert.equal(await button.innerText(), 'Theme: dark');
    await page.reload();
    assert.equal(await page.evaluate('document.documentElement.dataset.theme'), 'dark');
    await page.locator('#theme').click();
  });

  it('works without a script', async () => {
    const plain = await browser.newContext({
      ignoreHTTPSErrors: true,
      javaScriptEnabled: false,
      storageState: await context.storageState(),
    });
    try {
      const bare = await plain.newPage();
      await bare.goto(`${imp.endpoints.admin}/`);
      await bare.getByRole('link', { name: 'Certificates' }).click({ force: true });
      await bare.getByRole('button', { name: 'Renew the server certificate' }).click();
      await bare.locator('.message.done').waitFor();
    } finally {
      await plain.close();
    }
  });

  it('signs out, without a complaint of the browser along the way', async () => {
    await page.goto(`${imp.endpoints.admin}/`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL('**/admin/sign-in');
    assert.deepEqual(complaints, []);
  });
});
