/** A function process and the conversation with it, whatever its transport. */
import type { Exit } from './failures.ts';
import { encodeAssign, encodeRuns, FrameReader, type ProcessFrame, type RunFrame } from './frames.ts';
import type { FunctionProcess } from './process.ts';

export interface SessionListener {
  frame(frame: ProcessFrame): void;
  output(descriptor: 1 | 2, chunk: Buffer): void;
  exit(exit: Exit): void;
}

export interface Session {
  readonly process: FunctionProcess;
  /** Runs may be sent before the present one is answered. */
  readonly prefetches: boolean;
  listen(listener: SessionListener): void;
  sendRuns(runs: readonly RunFrame[]): void;
  /** Lets go of everything; the process must have ended. */
  close(): void;
}

/** What our bootstraps are told first; see bootstrap.mjs and bootstrap.py. */
export interface Assignment {
  readonly taskRoot: string;
  /** All its variables; absent when it was started with them. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Hex; signs the frames of its log. */
  readonly nonce: string;
  readonly logFormat: 'Text' | 'JSON';
  /** Paths and what errors show instead of them. */
  readonly hidden: readonly (readonly [string, string])[];
  readonly acceptsCallbacks: boolean;
  readonly context: {
    readonly functionName: string;
    readonly functionVersion: string;
    readonly memoryLimitInMB: string;
    readonly logGroupName: string;
    readonly logStreamName: string;
  };
}

/** Frames over descriptors 3 and 4. */
export class SocketSession implements Session {
  readonly process: FunctionProcess;
  readonly prefetches = true;

  constructor(process: FunctionProcess, assignment: Assignment) {
    this.process = process;
    process.send(encodeAssign(assignment));
  }

  listen(listener: SessionListener): void {
    const frames = new FrameReader();
    const take = (frame: ProcessFrame) => listener.frame(frame);
    this.process.listen({
      control: (chunk) => {
        try {
          frames.push(chunk, take);
        } catch {
          // The function wrote to a descriptor that is not its own. What it said cannot be told from noise.
          this.process.kill();
        }
      },
      output: (descriptor, chunk) => listener.output(descriptor, chunk),
      exit: (exit) => listener.exit(exit),
    });
  }

  sendRuns(runs: readonly RunFrame[]): void {
    this.process.send(encodeRuns(runs));
  }

  close(): void {
    this.process.release();
  }
}
