// A Hilum of its own on a free port, for tests in JavaScript.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

// `stop` ends it and removes its data.
export async function startServer(...flags) {
  const data = fs.mkdtempSync(path.join(os.tmpdir(), 'hilum-e2e-'));
  // Without our own HILUM_ variables: the program would take them for settings.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HILUM_')));
  const small = ['--store.low_water', '40MiB', '--store.write_buffer', '8MiB', '--log.level', 'warning'];
  const child = spawn(process.env.PROGRAM_UNDER_TEST, ['serve', '--data', data, '--http', '127.0.0.1:0', ...small, ...flags], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => child.kill('SIGKILL'));  // also when a test breaks off
  const ended = new Promise(resolve => child.on('exit', resolve));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    fs.rmSync(data, { recursive: true, force: true });
  };
  let output = '';
  const ready = new Promise(resolve => child.stdout.on('data', text => (output += text).includes('\n') && resolve()));
  await Promise.race([ready, ended]);
  if (!output.startsWith('ready ')) {
    await stop();
    throw new Error('hilum did not start');
  }
  return { url: output.trim().split(' ')[1], stop };
}
