/**
 * Builds the console after an install, so that `npm start` has it at once and without a network. Takes about two
 * seconds. Never fails an install: a server without a console says so, and the tests tell.
 */
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
try {
  const { build } = await import('vite');
  await build({ root, logLevel: 'warn' });
} catch (error) {
  const missing = error?.code === 'ERR_MODULE_NOT_FOUND';
  process.stderr.write(
    missing
      ? 'redrive: the console is not built: its build tools are not installed (npm ci without --omit=dev)\n'
      : `redrive: the console could not be built; the server works without it.\n${error?.stack ?? error}\n`,
  );
}
