// The viewer as its users meet it: a real browser, a real server. Started by viewer.sh.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { startServer } from './server.mjs';
import { launchBrowser, openPage, waitForImages } from './viewer_browser.mjs';

const { TEST_DATA, SCREENSHOTS } = process.env;
const withoutData = TEST_DATA && fs.existsSync(path.join(TEST_DATA, 'dicom')) ? false : 'the external test data is not there';

let server, browser;
before(async () => {
  fs.mkdirSync(SCREENSHOTS, { recursive: true });
  server = await startServer('--demo');
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

// Runs `steps` with a page of its own; whatever went wrong on it fails the test. Leaves a screenshot, also of failures.
function scenario(name, options, steps) {
  test(name, { timeout: 90_000, ...options }, async () => {
    const { page, mistakes } = await openPage(browser, server.url);
    try {
      await steps(page);
      await page.waitForTimeout(500);  // for what comes late: thumbnails, prefetched frames, errors
    } finally {
      await page.screenshot({ path: path.join(SCREENSHOTS, name.replaceAll(' ', '-') + '.png') });
      await page.close();
    }
    assert.deepEqual(mistakes, []);
  });
}

const openStudy = (page, uid, more = '') => page.goto(`${server.url}/viewer/viewer?StudyInstanceUIDs=${uid}${more}`);

async function sampleStudy(description) {
  const answer = await fetch(`${server.url}/dicom-web/studies?StudyDescription=${encodeURIComponent(description)}`);
  const [study] = await answer.json();
  return study['0020000D'].Value[0];
}

// Stores files of the test data over STOW-RS; the UID of their study.
async function store(...instances) {
  let uid;
  for (const instance of instances) {
    const body = typeof instance === 'string' ? fs.readFileSync(path.join(TEST_DATA, 'dicom', instance)) : instance;
    const answer = await fetch(`${server.url}/dicom-web/studies`, { method: 'POST', headers: { 'Content-Type': 'application/dicom', Accept: 'application/dicom+json' }, body });
    const report = await answer.json();
    assert.equal(answer.status, 200, JSON.stringify(report));
    uid = report['00081190'].Value[0].split('/').pop();
  }
  return uid;
}

// An explicit little endian element of a short VR.
function element(group, number, vr, value) {
  const padded = value.length % 2 ? value + (vr === 'UI' ? '\0' : ' ') : value;
  const head = Buffer.alloc(8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4);
  head.writeUInt16LE(padded.length, 6);
  return Buffer.concat([head, Buffer.from(padded)]);
}

// The HTJ2K file of the test data belongs to no patient and no study: both are put before its first image attribute (0028,0002).
function htj2kInstance() {
  const file = fs.readFileSync(path.join(TEST_DATA, 'dicom/pydicom/HTJ2KLossless_08_RGB.dcm'));
  const at = file.indexOf(Buffer.from('28000200', 'hex').toString('latin1') + 'US', 0, 'latin1');
  const study = '2.25.281094731503920184750192837465019283.77';
  return Buffer.concat([file.subarray(0, at), element(0x08, 0x60, 'CS', 'OT'), element(0x10, 0x10, 'PN', 'Coded^High'), element(0x10, 0x20, 'LO', 'HT-1'),
    element(0x20, 0x0d, 'UI', study), element(0x20, 0x0e, 'UI', study + '.1'), element(0x20, 0x13, 'IS', '1'), file.subarray(at)]);
}

scenario('list of studies', {}, async page => {
  await page.goto(`${server.url}/viewer/`);
  for (const patient of ['Phantom, Ada', 'Phantom, Grace', 'Phantom, Alan']) await page.getByText(patient).first().waitFor();
  const titles = await page.locator('link[rel="manifest"], link[rel="stylesheet"]').evaluateAll(links => links.map(link => new URL(link.href).pathname));
  assert.ok(titles.every(title => title.startsWith('/viewer/')), titles.join());
});

scenario('filtered list', {}, async page => {
  await page.goto(`${server.url}/viewer/`);
  await page.getByText('Phantom, Ada').first().waitFor();
  await page.locator('input[type="text"], input:not([type])').first().fill('grace');
  await page.getByText('Phantom, Ada').first().waitFor({ state: 'detached' });
  assert.equal(await page.getByText('Phantom, Grace').count() > 0, true);
});

scenario('stack of a CT', {}, async page => {
  await openStudy(page, await sampleStudy('CT of a phantom head'));
  await waitForImages(page, 1, { colours: 64, lit: 0.3 });
  await page.getByText('Axial 3 mm').first().waitFor();
});

scenario('three planes of a CT', {}, async page => {
  await openStudy(page, await sampleStudy('CT of a phantom head'), '&hangingprotocolId=mpr');
  await waitForImages(page, 3, { colours: 64, lit: 0.1 });
});

scenario('multi-frame ultrasound with a palette', { skip: withoutData }, async page => {
  await openStudy(page, await store('misc/dwc_US-PAL-8-10x-echo.dcm'));
  await waitForImages(page, 1, { colours: 1000, tinted: 0.02 });
});

scenario('uncompressed YBR_FULL_422', { skip: withoutData }, async page => {
  await openStudy(page, await store('cornerstone/US-YBR_FULL_422-EVRLE.dcm'));
  await waitForImages(page, 1, { colours: 64, lit: 0.1 });
});

scenario('JPEG 2000', { skip: withoutData }, async page => {
  await openStudy(page, await store('wg04/CT1_J2KR'));
  await waitForImages(page, 1, { colours: 100, lit: 0.2 });
});

scenario('HTJ2K', { skip: withoutData }, async page => {
  await openStudy(page, await store(htj2kInstance()));
  await waitForImages(page, 1, { colours: 1000, lit: 0.5 });
});

for (const name of ['JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53', 'JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55'])
  scenario('retired ' + name.split('Transfer')[0], { skip: withoutData }, async page => {
    await openStudy(page, await store(`cornerstone/CTImage.dcm_${name}.dcm`));
    await waitForImages(page, 1, { colours: 64, lit: 0.2 });
  });

scenario('segmentation', { skip: withoutData }, async page => {
  const images = [1, 2, 3].map(number => `dcmqi/segmentations_24x38x3_image_IMG000${number}.dcm`);
  await openStudy(page, await store(...images, 'dcmqi/segmentations_24x38x3_seg_label.seg'));
  await page.locator('[data-cy="study-browser-thumbnail-no-image"]').first().dblclick();
  await page.getByText('Do you want to open this Segmentation?').waitFor();
  await page.getByRole('button', { name: 'Yes' }).click();
  await waitForImages(page, 1, { tinted: 0.02 });
});

scenario('encapsulated PDF', { skip: withoutData }, async page => {
  await openStudy(page, await store('nonimage/sample-pdf.dcm'));
  const frame = page.locator('object[type="application/pdf"][data]');
  await frame.waitFor();
  const beginning = await frame.evaluate(async object => (await (await fetch(object.data)).text()).slice(0, 5));
  assert.equal(beginning, '%PDF-');
});
