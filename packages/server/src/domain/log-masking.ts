/**
 * Data protection of a log group: which texts in its lines are sensitive, and the lines without them. Masked on the
 * way out, so that whoever may unmask still sees the line. Every search is linear in the line.
 * Source: "Help protect sensitive log data with masking", "Types of data that you can protect".
 */
import { RE2JS } from 're2js';
import type { JsonObject } from '../store/store.ts';

/** Keyed by the group's name. */
export const DATA_PROTECTION = 'data-protection';

export interface DataProtectionRecord extends JsonObject {
  /** As it was put; JSON text. */
  document: string;
  /** Epoch ms. */
  updatedAt: number;
}

export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}

interface Identifier {
  readonly pattern: string;
  /** A further look at what the pattern found. */
  readonly accept?: (text: string) => boolean;
}

const IDENTIFIERS: Readonly<Record<string, Identifier>> = {
  EmailAddress: { pattern: '[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)*\\.[A-Za-z]{2,}' },
  CreditCardNumber: { pattern: '\\b(?:\\d[ -]?){12,18}\\d\\b', accept: passesLuhn },
  AwsSecretKey: {
    pattern: '(?:^|[^A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?:$|[^A-Za-z0-9/+=])',
    accept: (text) => /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text),
  },
  IpAddress: { pattern: '\\b(?:(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)\\.){3}(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)\\b' },
  'Ssn-US': { pattern: '\\b\\d{3}-\\d{2}-\\d{4}\\b' },
  'PhoneNumber-US': { pattern: '(?:\\+1[ .-]?)?(?:\\(\\d{3}\\) ?|\\b\\d{3}[ .-])\\d{3}[ .-]\\d{4}\\b' },
  OpenSshPrivateKey: {
    pattern: '-----BEGIN OPENSSH PRIVATE KEY-----[^-]*(?:-----END OPENSSH PRIVATE KEY-----)?',
  },
  PkcsPrivateKey: {
    pattern: '-----BEGIN (?:RSA |EC )?PRIVATE KEY-----[^-]*(?:-----END (?:RSA |EC )?PRIVATE KEY-----)?',
  },
};

const ARN_PREFIX = 'arn:aws:dataprotection::aws:data-identifier/';
const MAX_CUSTOM = 10;
const MAX_REGEX_CHARS = 200;

/** Replaces what is sensitive by asterisks. */
export type Mask = (line: string) => string;

/** @throws PolicyError that says what was expected */
export function compilePolicy(document: string): Mask {
  const rules = readRules(document);
  return (line) => {
    let masked = line;
    for (const { regex, accept } of rules) masked = maskAll(masked, regex, accept);
    return masked;
  };
}

interface Rule {
  readonly regex: RE2JS;
  readonly accept?: (text: string) => boolean;
}

interface Document {
  readonly Name?: unknown;
  readonly Version?: unknown;
  readonly Statement?: readonly {
    DataIdentifier?: unknown;
    Operation?: { Audit?: unknown; Deidentify?: unknown };
  }[];
  readonly Configuration?: { readonly CustomDataIdentifier?: readonly { Name?: unknown; Regex?: unknown }[] };
}

function readRules(text: string): Rule[] {
  let document: Document;
  try {
    document = JSON.parse(text) as Document;
  } catch (cause) {
    throw new PolicyError(`The policy document must be JSON: ${(cause as Error).message}`, { cause });
  }
  const statements = document.Statement;
  if (!Array.isArray(statements)) throw new PolicyError('The policy document must have a Statement.');
  const deidentify = statements.filter(({ Operation }) => Operation?.Deidentify !== undefined);
  if (deidentify.length !== 1)
    throw new PolicyError('The policy must have one statement with the operation Deidentify.');
  const custom = document.Configuration?.CustomDataIdentifier ?? [];
  if (custom.length > MAX_CUSTOM)
    throw new PolicyError(`A policy has ${MAX_CUSTOM} custom data identifiers at most.`);
  const names = deidentify[0]?.DataIdentifier;
  if (!Array.isArray(names) || names.length === 0)
    throw new PolicyError('DataIdentifier must name one identifier at least.');
  return names.map((identifier) => {
    const name = String(identifier).replace(ARN_PREFIX, '');
    const managed = Object.hasOwn(IDENTIFIERS, name) ? IDENTIFIERS[name] : undefined;
    if (managed) return { regex: RE2JS.compile(managed.pattern), accept: managed.accept };
    const own = custom.find(({ Name }) => Name === name);
    if (!own) {
      throw new PolicyError(
        `The data identifier ${name} is not supported; supported: ${Object.keys(IDENTIFIERS).join(', ')}, and those of CustomDataIdentifier.`,
      );
    }
    return { regex: compileCustom(String(own.Regex)) };
  });
}

function compileCustom(source: string): RE2JS {
  if (source.length > MAX_REGEX_CHARS)
    throw new PolicyError(`A Regex has ${MAX_REGEX_CHARS} characters at most.`);
  try {
    return RE2JS.compile(source);
  } catch (cause) {
    throw new PolicyError(`The Regex ${source} is not supported: ${(cause as Error).message}`, { cause });
  }
}

function maskAll(line: string, regex: RE2JS, accept: Rule['accept']): string {
  const matcher = regex.matcher(line);
  let masked = '';
  let from = 0;
  while (matcher.find()) {
    const start = matcher.start();
    const end = matcher.end();
    if (end === start) continue;
    const found = line.slice(start, end);
    masked += line.slice(from, start) + (!accept || accept(found) ? '*'.repeat(end - start) : found);
    from = end;
  }
  return from === 0 ? line : masked + line.slice(from);
}

/** Luhn's check, which all card numbers pass and nine out of ten others do not. */
function passesLuhn(text: string): boolean {
  const digits = text.replace(/\D/g, '');
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
