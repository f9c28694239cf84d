/**
 * Layers: numbered, immutable zips that functions add to their code. Numbers are never used twice.
 * A deleted layer version stays with the functions that use it (they keep its hash).
 */
import { parseArn, partitionOf } from './arn.ts';
import type { PolicyRecord } from './lambda-policy.ts';
import { isLayerRuntime, RUNTIMES_TEXT } from './lambda-runtimes.ts';
import { type Refusal, refuse } from './refusal.ts';

export interface LayerVersionRecord {
  readonly name: string;
  readonly version: number;
  readonly region: string;
  readonly accountId: string;
  readonly description: string;
  readonly licenseInfo?: string;
  readonly compatibleRuntimes?: readonly string[];
  readonly compatibleArchitectures?: readonly string[];
  /** Hex SHA-256 of the zip. */
  readonly codeSha256: string;
  /** Bytes of the zip. */
  readonly codeSize: number;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly policy?: PolicyRecord;
}

/** Both lists are checked before either is complained about (observed). */
export function checkCompatibility(
  runtimes: readonly string[] = [],
  architectures: readonly string[] = [],
): Refusal | undefined {
  const violations: string[] = [];
  if (!runtimes.every(isLayerRuntime)) {
    violations.push(
      `Value '[${runtimes.join(', ')}]' at 'compatibleRuntimes' failed to satisfy constraint: Member must satisfy enum value set: [${RUNTIMES_TEXT}]`,
    );
  }
  if (!architectures.every((each) => each === 'x86_64' || each === 'arm64')) {
    violations.push(
      `Value '[${architectures.join(', ')}]' at 'compatibleArchitectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]`,
    );
  }
  if (violations.length === 0) return undefined;
  const errors = violations.length === 1 ? 'error' : 'errors';
  return refuse(
    'ValidationException',
    `${violations.length} validation ${errors} detected: ${violations.join('; ')}`,
  );
}

/** How far the numbers of a layer have come. */
export interface LayerRecord {
  readonly lastVersion: number;
}

/** Digits of a version in keys, so that keys sort as numbers do. */
const VERSION_DIGITS = 10;

export function layerVersionKey(name: string, version: number): string {
  return `${name}:${String(version).padStart(VERSION_DIGITS, '0')}`;
}

export interface LayerVersionRef {
  readonly name: string;
  readonly version: number;
  readonly region: string;
  readonly accountId: string;
}

/** `arn:…:layer:NAME:VERSION` */
export function parseLayerVersionArn(text: string): LayerVersionRef | undefined {
  const arn = parseArn(text);
  if (arn?.service !== 'lambda') return undefined;
  const match = /^layer:([a-zA-Z0-9-_]+):([0-9]+)$/.exec(arn.resource);
  if (!match) return undefined;
  return {
    name: match[1] as string,
    version: Number(match[2]),
    region: arn.region,
    accountId: arn.accountId,
  };
}

/** A layer by name or by ARN without version. */
export function parseLayerName(text: string): string {
  return /^arn:[^:]+:lambda:[^:]+:\d{12}:layer:([a-zA-Z0-9-_]+)$/.exec(text)?.[1] ?? text;
}

export function formatLayerArn(
  place: { readonly region: string; readonly accountId: string },
  name: string,
  version?: number,
): string {
  const arn = `arn:${partitionOf(place.region)}:lambda:${place.region}:${place.accountId}:layer:${name}`;
  return version === undefined ? arn : `${arn}:${version}`;
}
