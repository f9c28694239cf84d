/** Debian's Chromium under test. Where there is none, tests skip and say so. */
import { existsSync } from 'node:fs';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { atEnd, type Cleanup } from './cleanup.ts';

const PATH = process.env.REDRIVE_TEST_CHROMIUM ?? '/usr/bin/chromium';

/** Reason to skip, for `test(…, { skip })`. */
export const withoutBrowser = existsSync(PATH)
  ? false
  : `NO BROWSER: ${PATH} is missing; apt-get install chromium, or set REDRIVE_TEST_CHROMIUM`;

export interface OpenPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page complained about: errors of scripts, violations of the content-security policy. */
  readonly complaints: string[];
}

export async function openPage(
  t: Cleanup,
  url: string,
  options: { scheme?: 'light' | 'dark'; width?: number; height?: number } = {},
): Promise<OpenPage> {
  const browser = await chromium.launch({
    executablePath: PATH,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  atEnd(t, () => browser.close());
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1360, height: options.height ?? 860 },
    colorScheme: options.scheme ?? 'light',
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // The browser reports every refused request; what the page makes of it is what counts.
    const refusal = /Failed to load resource/.test(message.text());
    if (message.type() === 'error' && !refusal) complaints.push(message.text());
  });
  await page.goto(url);
  return { page, context, complaints };
}
