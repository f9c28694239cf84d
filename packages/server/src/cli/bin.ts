/** Entry of the command `redrive`. */
import { run } from './program.ts';

// A reader that has seen enough (`redrive logs … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const code = await run(process.argv.slice(2));
// A command that failed half-way may have left something open; a server that started stays.
if (code !== 0) process.exit(code);
