/** Processes of one measurement: each part runs in its own, as it would in production, and all end with it. */
import { type ChildProcess, fork, type Serializable } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A part of a measurement in its own process: told what to do by messages, answers with one each. */
export interface Part {
  readonly child: ChildProcess;
  /** Sends a message and resolves with the answer. */
  ask<T>(message: Serializable): Promise<T>;
  end(): Promise<void>;
}

/** @param module path relative to this folder; it talks through {@link answer} */
export function startPart(module: string, options: { cwd?: string; execArgv?: string[] } = {}): Part {
  const child = fork(fileURLToPath(new URL(module, import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
    ...options,
  });
  return {
    child,
    async ask<T>(message: Serializable): Promise<T> {
      const answer = once(child, 'message');
      const death = once(child, 'exit');
      child.send(message);
      const [result] = await Promise.race([
        answer,
        death.then(([code]) => [{ error: `${module} ended with ${code}` }]),
      ]);
      const { value, error } = result as { value?: T; error?: string };
      if (error !== undefined) throw new Error(error);
      return value as T;
    },
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** The other side: handles one message after another. */
export function answer<M extends { readonly kind: string }>(
  handlers: { [K in M['kind']]: (message: Extract<M, { kind: K }>) => unknown },
): void {
  process.on('message', (message: M) => {
    const handle = handlers[message.kind as M['kind']] as (message: M) => unknown;
    Promise.resolve()
      .then(() => handle(message))
      .then(
        (value) => process.send?.({ value: value as Serializable }),
        (error: unknown) => process.send?.({ error: (error as Error).stack ?? String(error) }),
      );
  });
}

/** Everything begun since: ended in reverse, whatever happens. */
export class Scope implements AsyncDisposable {
  readonly #ends: (() => unknown)[] = [];

  use<T extends { end(): unknown }>(thing: T): T {
    this.#ends.push(() => thing.end());
    return thing;
  }

  defer(end: () => unknown): void {
    this.#ends.push(end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let end = this.#ends.pop(); end; end = this.#ends.pop()) await end();
  }
}
