/**
 * Names of runtimes: which AWS knows, which it no longer takes.
 * Whether this machine can run one is the runtime's business, not decided here.
 */
import { type Refusal, refuseParameter } from './lambda-refusal.ts';

/** In the order of AWS's message (observed January 2026), newer ones at the end. */
const CURRENT = [
  'nodejs20.x',
  'python3.14',
  'provided.al2023',
  'python3.12',
  'python3.13',
  'nodejs24.x',
  'nodejs22.x',
  'java25',
  'python3.10',
  'python3.11',
  'java21',
  'ruby3.3',
  'ruby3.4',
  'ruby3.2',
  'python3.8',
  'python3.9',
  'java17',
  'nodejs16.x',
  'dotnet10',
  'dotnet8',
  'java11',
  'dotnet6',
  'nodejs18.x',
  'provided.al2',
  'java8.al2',
  'nodejs26.x',
  'python3.15',
  'ruby4.0',
  'java8.al2023',
  'java11.al2023',
  'java17.al2023',
];

const RETIRED = new Set([
  'nodejs',
  'nodejs4.3',
  'nodejs4.3-edge',
  'nodejs6.10',
  'nodejs8.10',
  'nodejs10.x',
  'nodejs12.x',
  'nodejs14.x',
  'python2.7',
  'python3.6',
  'python3.7',
  'ruby2.5',
  'ruby2.7',
  'java8',
  'go1.x',
  'dotnetcore1.0',
  'dotnetcore2.0',
  'dotnetcore2.1',
  'dotnetcore3.1',
  'provided',
]);

const KNOWN = new Set(CURRENT);

/** Layers may name retired runtimes too; AWS's message lists only the current ones. */
export function isLayerRuntime(runtime: string): boolean {
  return KNOWN.has(runtime) || RETIRED.has(runtime);
}

export const RUNTIMES_TEXT = CURRENT.join(', ');

/** Says no to runtimes AWS would not take for a new or changed function. */
export function checkRuntime(runtime: string): Refusal | undefined {
  if (KNOWN.has(runtime)) return undefined;
  if (RETIRED.has(runtime)) {
    return refuseParameter(
      `The runtime parameter of ${runtime} is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.`,
    );
  }
  return refuseParameter(
    `Value ${runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [${RUNTIMES_TEXT}] or be a valid ARN`,
  );
}

/** SnapStart needs one of these (AWS "Improving startup performance with Lambda SnapStart"). */
export function supportsSnapStart(runtime: string): boolean {
  if (runtime.startsWith('java')) return !runtime.startsWith('java8');
  if (runtime.startsWith('python3.')) return Number(runtime.slice('python3.'.length)) >= 12;
  return runtime === 'dotnet8' || runtime === 'dotnet10';
}
