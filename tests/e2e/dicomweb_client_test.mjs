// dicomweb-client, unchanged, against a real server. In Node.js it lacks only XMLHttpRequest, which xhr2 provides. Started by dicomweb_client.sh.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { startServer } from './server.mjs';

const { CLIENT_MODULES, TEST_DATA } = process.env;
const require = createRequire(path.join(CLIENT_MODULES, 'node_modules/'));
globalThis.XMLHttpRequest = require('xhr2');
const { api: { DICOMwebClient } } = require('dicomweb-client');
const withoutData = TEST_DATA && fs.existsSync(path.join(TEST_DATA, 'dicom')) ? false : 'the external test data is not there';

// One server holds the sample images; their files are stored in the other one by the client.
let source, server, client, files;
const kUid = { study: '0020000D', series: '0020000E', instance: '00080018' };
const value = (row, tag) => row[tag].Value[0];
const keys = row => ({ studyInstanceUID: value(row, kUid.study), seriesInstanceUID: value(row, kUid.series), sopInstanceUID: value(row, kUid.instance) });
const clientOf = (url, options = {}) => new DICOMwebClient({ url: url + '/dicom-web', verbose: false, ...options });
const same = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;

// retrieveInstance refuses every `mediaTypes` of its own documentation (0.11.3); this is the call that it would make.
async function retrieveAs(transferSyntaxUID, { studyInstanceUID, seriesInstanceUID, sopInstanceUID }) {
  const url = `${server.url}/dicom-web/studies/${studyInstanceUID}/series/${seriesInstanceUID}/instances/${sopInstanceUID}`;
  return (await client._httpGetMultipartApplicationDicom(url, [{ mediaType: 'application/dicom', transferSyntaxUID }], {}, {}))[0];
}

before(async () => {
  source = await startServer('--demo');
  server = await startServer();
  client = clientOf(server.url);
  const rows = await clientOf(source.url).searchForInstances({ queryParams: { Modality: 'MR' } });
  files = await Promise.all(rows.map(async row => ({
    ...keys(row),
    bytes: await (await fetch(value(row, '00081190'), { headers: { Accept: 'application/dicom; transfer-syntax=*' } })).arrayBuffer(),
  })));
  assert.equal(files.length, 16);
});
after(async () => {
  await source?.stop();
  await server?.stop();
});

test('storeInstances stores several files at once', async () => {
  const report = await client.storeInstances({ datasets: files.map(file => file.bytes) });
  const json = JSON.parse(report);
  assert.equal(json['00081199'].Value.length, 16);
  assert.equal(json['00081198'], undefined);
});

test('storeInstances below the study, again: a success, not an error', async () => {
  const { studyInstanceUID, bytes } = files[0];
  const json = JSON.parse(await client.storeInstances({ studyInstanceUID, datasets: [bytes] }));
  assert.equal(json['00081199'].Value.length, 1);
});

test('storeInstances below another study is refused', async () => {
  await assert.rejects(client.storeInstances({ studyInstanceUID: '1.2.3', datasets: [files[0].bytes] }), error => error.status === 409);
});

test('searches at every level', async () => {
  const studies = await client.searchForStudies({ queryParams: { PatientName: 'phantom*', fuzzymatching: false, limit: 101, offset: 0 } });
  assert.equal(studies.length, 1);
  const { studyInstanceUID } = files[0];
  assert.equal(value(studies[0], kUid.study), studyInstanceUID);
  const series = await client.searchForSeries({ studyInstanceUID });
  assert.equal(series.length, 1);
  const instances = await client.searchForInstances({ studyInstanceUID, seriesInstanceUID: value(series[0], kUid.series) });
  assert.equal(instances.length, 16);
  assert.deepEqual(await client.searchForStudies({ queryParams: { PatientID: 'nobody' } }), []);
});

test('metadata at every level', async () => {
  const [{ studyInstanceUID, seriesInstanceUID, sopInstanceUID }] = files;
  assert.equal((await client.retrieveStudyMetadata({ studyInstanceUID })).length, 16);
  assert.equal((await client.retrieveSeriesMetadata({ studyInstanceUID, seriesInstanceUID })).length, 16);
  const [metadata] = await client.retrieveInstanceMetadata({ studyInstanceUID, seriesInstanceUID, sopInstanceUID });
  assert.equal(value(metadata, kUid.instance), sopInstanceUID);
  assert.equal(value(metadata, '00100010').Alphabetic, 'Phantom^Grace');
  assert.equal(value(metadata, '00280010'), 192);
});

test('instances, series and studies come back as they were stored', async () => {
  const [{ studyInstanceUID, seriesInstanceUID, sopInstanceUID, bytes }] = files;
  assert.ok(same(await client.retrieveInstance({ studyInstanceUID, seriesInstanceUID, sopInstanceUID }), bytes));
  assert.equal((await client.retrieveSeries({ studyInstanceUID, seriesInstanceUID })).length, 16);
  const study = await client.retrieveStudy({ studyInstanceUID });
  assert.ok(files.every(file => study.some(bytes => same(bytes, file.bytes))));
});

test('an instance in another transfer syntax', async () => {
  const [file] = files;
  for (const transferSyntaxUID of ['1.2.840.10008.1.2.4.80', '1.2.840.10008.1.2.4.90', '1.2.840.10008.1.2.5']) {
    const bytes = await retrieveAs(transferSyntaxUID, file);
    assert.ok(Buffer.from(bytes).includes(`UI${String.fromCharCode(transferSyntaxUID.length + transferSyntaxUID.length % 2)}\0${transferSyntaxUID}`), transferSyntaxUID);
  }
});

test('frames: as OHIF and Slim ask for them, and compressed', async () => {
  const [file] = files;
  const [plain] = await client.retrieveInstanceFrames({ ...file, frameNumbers: [1] });
  assert.equal(plain.byteLength, 192 * 192 * 2);
  const mediaTypes = [{ mediaType: 'application/octet-stream', transferSyntaxUID: '*' }];
  assert.ok(same((await client.retrieveInstanceFrames({ ...file, frameNumbers: [1], mediaTypes }))[0], plain));
  const jls = [{ mediaType: 'image/jls', transferSyntaxUID: '1.2.840.10008.1.2.4.80' }];
  const [coded] = await client.retrieveInstanceFrames({ ...file, frameNumbers: [1], mediaTypes: jls });
  assert.deepEqual([...new Uint8Array(coded.slice(0, 2))], [0xff, 0xd8]);
  const slim = [{ mediaType: 'application/octet-stream', transferSyntaxUID: '1.2.840.10008.1.2.1' }, { mediaType: 'image/jpeg', transferSyntaxUID: '1.2.840.10008.1.2.4.50' },
    { mediaType: 'image/jp2', transferSyntaxUID: '1.2.840.10008.1.2.4.90' }];
  const [one] = await client.retrieveInstanceFrames({ ...file, frameNumbers: [1], mediaTypes: slim });
  assert.ok(same(one, plain), 'the first of the types that can be made');
});

test('pictures and thumbnails', async () => {
  const [file] = files;
  const png = await client.retrieveInstanceRendered({ ...file, mediaTypes: [{ mediaType: 'image/png' }] });
  assert.equal(Buffer.from([png].flat()[0]).toString('latin1', 1, 4), 'PNG');
  for (const answer of [await client.retrieveInstanceRendered(file), await client.retrieveInstanceThumbnail(file),
    await client.retrieveInstanceFramesRendered({ ...file, frameNumbers: [1], mediaTypes: [{ mediaType: 'image/jpeg' }] })])
    assert.deepEqual([...new Uint8Array([answer].flat()[0].slice(0, 2))], [0xff, 0xd8]);
});

test('bulk data from where the metadata says it is', async () => {
  const [file] = files;
  const [metadata] = await client.retrieveInstanceMetadata(file);
  const { BulkDataURI } = metadata['7FE00010'];
  const [pixels] = await client.retrieveBulkData({ BulkDataURI });
  assert.equal(pixels.byteLength, 192 * 192 * 2);
  const [part] = await clientOf(server.url, { singlepart: 'bulkdata' }).retrieveBulkData({ BulkDataURI });
  assert.ok(same(part, pixels));
});

test('what is not there is an error with its status', async () => {
  await assert.rejects(client.retrieveStudyMetadata({ studyInstanceUID: '9.9' }), error => error.status === 404);
});

test('real files: stored at once, searched, read back byte for byte', { skip: withoutData }, async () => {
  const folder = path.join(TEST_DATA, 'dicom/wg04');
  const names = fs.readdirSync(folder).filter(name => /_(UNC|J2KR|JLSL|RLE|JPLL|JPLY)/.test(name)).slice(0, 12);
  assert.ok(names.length > 0, 'wg04 holds images');
  const datasets = names.map(name => new Uint8Array(fs.readFileSync(path.join(folder, name))).buffer);
  const report = JSON.parse(await client.storeInstances({ datasets }));
  assert.equal(report['00081199'].Value.length, names.length, JSON.stringify(report['00081198']));
  for (const reference of report['00081199'].Value) {
    const [, studyInstanceUID, seriesInstanceUID, sopInstanceUID] = value(reference, '00081190').match(/studies\/(.*)\/series\/(.*)\/instances\/(.*)/);
    const uids = { studyInstanceUID, seriesInstanceUID, sopInstanceUID };
    const bytes = await retrieveAs('*', uids);
    assert.ok(datasets.some(stored => same(stored, bytes)), sopInstanceUID);
    const frames = await client.retrieveInstanceFrames({ ...uids, frameNumbers: [1] });
    assert.equal(frames.length, 1);
  }
});
