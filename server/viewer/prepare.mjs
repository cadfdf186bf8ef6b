// Makes the viewer folder: fetches the pinned OHIF build from npm, leaves out what is not needed, moves it below the prefix, compresses it, and checks that the
// result is, octet for octet, the one that was reviewed (ohif.json).
//
//   node prepare.mjs OUT [TARBALL]     TARBALL: a fetched package, for machines without npm registry
//
// Exit codes: 0 done, 3 the package could not be fetched, 1 anything else (a checksum that differs, above all).
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

const pinned = JSON.parse(fs.readFileSync(new URL('ohif.json', import.meta.url), 'utf8'));
const { prefix } = pinned;

// Segmentation models' runtime (136 MB), source maps, a service worker that asks a public CDN, start pictures of tablets, pages for other deployments.
const leftOut = [
  /^ort\//, /\.map$/, /^sw\.js$/, /^assets\/apple-touch-startup-image/, /^assets\/(browserconfig\.xml|manifest\.webapp|yandex-|firefox_app)/,
  /^(_headers|_redirects|serve\.json|google\.js|app-config\.js)$/, /^(silent-refresh\.html|es6-shim\.min\.js|oidc-client\.min\.js|polyfill\.min\.js)$/,
  /^customizations\/index\.html$/,
];

// What to change in which files, and how often each text must occur: another build of OHIF fails here instead of in the browser.
const patches = [
  {
    files: /^(app|compute|histogram-worker|polySeg|interpolation|136|2299|8097)\.bundle\.[0-9a-f]+\.js$/, count: 8,
    edits: [{ from: /__webpack_require__\.p = "\/";/g, to: `__webpack_require__.p = "${prefix}";`, times: 1 }],
  },
  {
    files: /^app\.bundle\.[0-9a-f]+\.js$/, count: 1,
    edits: [
      { from: /browserImportFunction\('\/dicom-microscopy-viewer\//g, to: `browserImportFunction('${prefix}dicom-microscopy-viewer/`, times: 1 },
      // Native YBR_FULL_422 has two octets a pixel (PS3.3 C.7.6.3.1.2). Cornerstone3D takes colours for converted unless it finds the length of 4:2:0.
      { from: /(endsWith\('422'\)\) \{\s+return \()(pixelDataLength ===)/g, to: '$1pixelDataLength === 2 * rows * columns || $2', times: 1 },
    ],
  },
  { files: /^app\.bundle\.css$/, count: 1, edits: [{ from: /url\(\//g, to: `url(${prefix}`, times: 5 }] },
  { files: /^manifest\.json$/, count: 1, edits: [{ from: /"src": "\//g, to: `"src": "${prefix}`, times: 9 }] },
  {
    files: /^index\.html$/, count: 1,
    edits: [
      { from: /<link rel="apple-touch-startup-image"[^>]*>|<link rel="yandex-tableau-widget"[^>]*>|<meta name="msapplication-config"[^>]*>/g, to: '', times: 12 },
      { from: /(href|src|content)="\//g, to: `$1="${prefix}`, times: 21 },
      { from: /window\.PUBLIC_URL="\/"/g, to: `window.PUBLIC_URL="${prefix}"`, times: 2 },
    ],
  },
];

const compressed = /\.(js|css|html|json|jsonc|svg|wasm|txt)$/;
const sha256 = data => createHash('sha256').update(data).digest('hex');

function fetchPackage(folder) {
  try {
    const spec = `${pinned.package}@${pinned.version}`;
    execFileSync('npm', ['pack', spec, '--silent', '--ignore-scripts', '--pack-destination', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
    return path.join(folder, fs.readdirSync(folder).find(name => name.endsWith('.tgz')));
  } catch (error) {
    console.error(`${pinned.package} could not be fetched from npm: ${error.message}`);
    process.exit(3);
  }
}

function unpack(tarball, folder) {
  const integrity = 'sha512-' + createHash('sha512').update(fs.readFileSync(tarball)).digest('base64');
  if (integrity !== pinned.integrity) throw new Error(`${tarball} is not the pinned package: ${integrity}`);
  execFileSync('tar', ['-xzf', tarball, '-C', folder]);
  return path.join(folder, 'package');
}

// Name -> content, in order of the names.
function readFiles(unpacked) {
  const files = new Map();
  const dist = path.join(unpacked, 'dist');
  const names = fs.readdirSync(dist, { recursive: true }).map(name => name.split(path.sep).join('/'));
  for (const name of names.sort()) {
    if (!leftOut.some(pattern => pattern.test(name)) && fs.statSync(path.join(dist, name)).isFile()) files.set(name, fs.readFileSync(path.join(dist, name)));
  }
  files.set('LICENSE.txt', fs.readFileSync(path.join(unpacked, 'LICENSE')));
  return files;
}

// The names of the changed files.
function applyPatches(files) {
  const changed = new Set();
  for (const { files: pattern, count, edits } of patches) {
    const names = [...files.keys()].filter(name => pattern.test(name));
    if (names.length !== count) throw new Error(`${count} files like ${pattern} were expected, ${names.length} are there`);
    for (const name of names) {
      let text = files.get(name).toString('utf8');
      for (const { from, to, times } of edits) {
        const found = (text.match(from) ?? []).length;
        if (found !== times) throw new Error(`${name}: ${from} occurs ${found} times, not ${times}`);
        text = text.replace(from, to);
      }
      files.set(name, Buffer.from(text));
      changed.add(name);
    }
  }
  return changed;
}

// One line per file: how long browsers may keep it, whether NAME.gz is there, checksum, name. A file whose name holds a hash of its content never changes,
// unless we changed it. Before them the hashes of the inline scripts, for the Content-Security-Policy.
function describe(files, changed) {
  const lines = [`ohif ${pinned.version}`];
  for (const [, script] of files.get('index.html').toString('utf8').matchAll(/<script>([^]*?)<\/script>/g))
    lines.push('script sha256-' + createHash('sha256').update(script).digest('base64'));
  for (const [name, content] of files) {
    const lasting = /(^|[./])[0-9a-f]{16}\./.test(name) && !changed.has(name);
    lines.push(['file', lasting ? 'immutable' : 'no-cache', compressed.test(name) ? 'gzip' : 'plain', sha256(content), name].join(' '));
  }
  return lines.join('\n') + '\n';
}

async function write(files, manifest, folder) {
  await Promise.all([...files].map(async ([name, content]) => {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    if (compressed.test(name)) fs.writeFileSync(file + '.gz', await promisify(zlib.gzip)(content, { level: 9 }));
  }));
  fs.writeFileSync(path.join(folder, 'manifest.txt'), manifest);
}

// Whether the folder is there already; then its time is set to now, for build tools that compare times.
function isUpToDate(folder) {
  const manifest = path.join(folder, 'manifest.txt');
  if (!fs.existsSync(manifest) || sha256(fs.readFileSync(manifest)) !== pinned.manifest_sha256) return false;
  fs.utimesSync(manifest, new Date(), new Date());
  return true;
}

async function prepare(out, tarball) {
  const work = `${out}.work`;
  fs.rmSync(work, { recursive: true, force: true });
  fs.mkdirSync(path.join(work, 'new'), { recursive: true });
  const files = readFiles(unpack(tarball || fetchPackage(work), work));
  const manifest = describe(files, applyPatches(files));
  if (sha256(manifest) !== pinned.manifest_sha256) {
    fs.writeFileSync(`${out}.manifest.txt`, manifest);
    throw new Error(`the prepared viewer is not the reviewed one: the sha256 of ${out}.manifest.txt is ${sha256(manifest)}`);
  }
  await write(files, manifest, path.join(work, 'new'));
  fs.rmSync(out, { recursive: true, force: true });
  fs.renameSync(path.join(work, 'new'), out);
  fs.rmSync(work, { recursive: true, force: true });
}

const [out, tarball] = process.argv.slice(2);
if (!isUpToDate(out)) await prepare(out, tarball);
