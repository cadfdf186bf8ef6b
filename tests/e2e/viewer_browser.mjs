// Helpers for the browser test: a Chromium that cannot leave the machine, and what a page showed.
import { createRequire } from 'node:module';
import path from 'node:path';

const { chromium } = createRequire(path.join(process.env.BROWSER_MODULES, 'node_modules/'))('playwright-core');

export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--enable-unsafe-swiftshader', '--no-proxy-server', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
  });
}

// A page that keeps what went wrong: errors on its console, uncaught exceptions, requests to any other host.
export async function openPage(browser, base) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const mistakes = [];
  page.on('console', message => message.type() === 'error' && mistakes.push(`console: ${message.text()} ${message.location().url}`));
  page.on('pageerror', error => mistakes.push(`exception: ${error}`));
  page.on('request', request => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== base) mistakes.push(`request to another host: ${request.url()}`);
  });
  return { page, mistakes };
}

// Of each image canvas: how many different colours it has, which share of it is not black, and which share is not grey.
function canvasStatistics(page) {
  return page.evaluate(() => [...document.querySelectorAll('canvas.cornerstone-canvas')].filter(canvas => canvas.width > 0 && canvas.height > 0).map(canvas => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    let lit = 0, tinted = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
      colours.add((r << 16) | (g << 8) | b);
      if (r + g + b > 24) ++lit;
      if (Math.max(r, g, b) - Math.min(r, g, b) > 24) ++tinted;
    }
    return { width: canvas.width, colours: colours.size, lit: lit / (data.length / 4), tinted: tinted / (data.length / 4) };
  }));
}

// Waits until `count` viewports show an image (thumbnails are drawn on smaller canvases); fails with what they show instead.
export async function waitForImages(page, count, { colours = 8, lit = 0.02, tinted = 0 } = {}) {
  let seen = [];
  for (const end = Date.now() + 30_000; Date.now() < end; await page.waitForTimeout(200)) {
    seen = await canvasStatistics(page);
    const showing = seen.filter(canvas => canvas.width > 256 && canvas.colours >= colours && canvas.lit >= lit && canvas.tinted >= tinted);
    if (showing.length >= count) return;
  }
  throw new Error(`${count} images were expected; the canvases hold ${JSON.stringify(seen)}`);
}
