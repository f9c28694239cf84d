#!/usr/bin/env node
// Entry of the command. Redrive needs Node 22.13 or newer; where the Node at hand is older,
// the one that the optional platform package carries takes over.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const bin = fileURLToPath(new URL('../src/cli/bin.ts', import.meta.url));

if (major > 22 || (major === 22 && minor >= 18)) {
  await import('../src/cli/bin.ts');
} else {
  const node = bundledNode();
  if (!node) {
    process.stderr.write(
      `redrive: needs Node 22.18 or newer, found ${process.versions.node}; ` +
        'reinstall without --omit=optional to get a Node of its own\n',
    );
    process.exit(2);
  }
  const child = spawn(node, [bin, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

function bundledNode() {
  try {
    const require = createRequire(import.meta.url);
    return require.resolve(`node-linux-${process.arch}/bin/node`);
  } catch {
    return undefined;
  }
}
