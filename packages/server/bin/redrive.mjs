#!/usr/bin/env node
// Entry of the command. Redrive needs Node 22.13 or newer; where the Node at hand is older,
// the one that the optional platform package carries takes over.
import { spawn } from 'node:child_process';
import module, { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  keepCompiledCode();
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
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

// What was compiled once is there for the next start, which then takes half the processor time.
function keepCompiledCode() {
  const { XDG_CACHE_HOME, HOME } = process.env;
  const caches = XDG_CACHE_HOME || (HOME && join(HOME, '.cache'));
  if (!caches) return;
  // The variable is for the worker threads.
  process.env.NODE_COMPILE_CACHE ??= join(caches, 'redrive');
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
}

function bundledNode() {
  try {
    const require = createRequire(import.meta.url);
    return require.resolve(`node-linux-${process.arch}/bin/node`);
  } catch {
    return undefined;
  }
}
