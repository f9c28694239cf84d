/**
 * `AWS::Serverless::Function`: code zipped from a local folder, configuration, dead-letter queue and
 * asynchronous invocation settings. Each part is sent only when it differs from what is there.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { zipFolder } from '../runtime/zip-folder.ts';
import type { Json } from '../store/store.ts';
import type { Change, ResourceContext, ResourceResult } from './deploy.ts';

/** Source: SAM reference, AWS::Serverless::Function: what applies when a property is left out. */
const DEFAULTS = { timeoutSeconds: 3, memoryMb: 128 };

type Properties = Record<string, Json | undefined>;
type Calls = ResourceContext['call'];

export async function deployFunction(
  properties: Properties,
  context: ResourceContext,
): Promise<ResourceResult> {
  const { call, folder } = context;
  for (const required of ['Handler', 'Runtime', 'CodeUri']) {
    if (properties[required] === undefined)
      throw new Error(`expected ${required} (here or in Globals), found none`);
  }
  const name = String(properties.FunctionName ?? context.defaultName);
  const zip = await zipCode(resolve(folder, String(properties.CodeUri)));
  const wanted = configurationOf(properties, context);
  const found = await orAbsent(call('lambda', 'GetFunction', { FunctionName: name }));

  let change: Change = 'unchanged';
  let arn: string;
  if (!found) {
    const made = await call('lambda', 'CreateFunction', {
      FunctionName: name,
      Code: { ZipFile: zip },
      ...wanted,
      Tags: properties.Tags,
    });
    arn = made.FunctionArn as string;
    change = 'created';
  } else {
    arn = found.Configuration.FunctionArn as string;
    const sha256 = createHash('sha256').update(zip).digest('base64');
    if (found.Configuration.CodeSha256 !== sha256) {
      await call('lambda', 'UpdateFunctionCode', { FunctionName: name, ZipFile: zip });
      change = 'updated';
    }
    if (!isDeepStrictEqual(currentConfiguration(found.Configuration), wanted)) {
      await call('lambda', 'UpdateFunctionConfiguration', { FunctionName: name, ...wanted });
      change = 'updated';
    }
  }
  const settings = [
    await deployEventInvokeConfig(call, name, properties.EventInvokeConfig as Properties | undefined),
    await deployConcurrency(call, name, properties.ReservedConcurrentExecutions),
  ];
  if (change === 'unchanged' && settings.includes(true)) change = 'updated';
  return { ref: name, attributes: { Arn: arn }, change };
}

async function zipCode(path: string): Promise<Buffer> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw new Error(`CodeUri: expected a folder, found ${found ? 'a file' : 'nothing'} at ${path}`);
  }
  return zipFolder(path);
}

/** Members of CreateFunction and UpdateFunctionConfiguration; all of them, so that leaving out resets. */
function configurationOf(properties: Properties, { accountId, logicalId }: ResourceContext): Properties {
  const environment = properties.Environment as { Variables?: Record<string, Json> } | undefined;
  const variables = Object.entries(environment?.Variables ?? {}).map(([key, value]) => [key, String(value)]);
  const deadLetters = properties.DeadLetterQueue as { TargetArn?: Json } | undefined;
  return {
    Runtime: String(properties.Runtime),
    Handler: String(properties.Handler),
    Role: String(properties.Role ?? `arn:aws:iam::${accountId}:role/${logicalId}Role`),
    Description: String(properties.Description ?? ''),
    Timeout: Number(properties.Timeout ?? DEFAULTS.timeoutSeconds),
    MemorySize: Number(properties.MemorySize ?? DEFAULTS.memoryMb),
    Environment: { Variables: Object.fromEntries(variables) },
    DeadLetterConfig: { TargetArn: String(deadLetters?.TargetArn ?? '') },
  };
}

/** The same members as `configurationOf`, of the function as it is. */
function currentConfiguration(found: Properties): Properties {
  const environment = found.Environment as { Variables?: Json } | undefined;
  const deadLetters = found.DeadLetterConfig as { TargetArn?: Json } | undefined;
  return {
    Runtime: found.Runtime,
    Handler: found.Handler,
    Role: found.Role,
    Description: found.Description ?? '',
    Timeout: found.Timeout,
    MemorySize: found.MemorySize,
    Environment: { Variables: { ...(environment?.Variables as Properties | undefined) } },
    DeadLetterConfig: { TargetArn: deadLetters?.TargetArn ?? '' },
  };
}

/** true: changed. */
async function deployEventInvokeConfig(
  call: Calls,
  name: string,
  wanted: Properties | undefined,
): Promise<boolean> {
  const current = await orAbsent(call('lambda', 'GetFunctionEventInvokeConfig', { FunctionName: name }));
  if (!wanted) {
    if (current) await call('lambda', 'DeleteFunctionEventInvokeConfig', { FunctionName: name });
    return current !== undefined;
  }
  const settings = eventInvokeSettings(wanted);
  if (current && isDeepStrictEqual(eventInvokeSettings(current), settings)) return false;
  await call('lambda', 'PutFunctionEventInvokeConfig', { FunctionName: name, ...settings });
  return true;
}

/** Members of PutFunctionEventInvokeConfig that are set, of a template's property or of the current settings. */
function eventInvokeSettings(source: Properties): Properties {
  const settings: Properties = {};
  for (const member of ['MaximumEventAgeInSeconds', 'MaximumRetryAttempts']) {
    const value = source[member];
    if (value !== undefined && value !== null) settings[member] = Number(value);
  }
  const destinations = (source.DestinationConfig ?? {}) as Record<string, { Destination?: Json } | undefined>;
  const set: Properties = {};
  for (const condition of ['OnSuccess', 'OnFailure']) {
    const arn = destinations[condition]?.Destination;
    if (arn !== undefined && arn !== null) set[condition] = { Destination: arn };
  }
  if (Object.keys(set).length > 0) settings.DestinationConfig = set;
  return settings;
}

async function deployConcurrency(call: Calls, name: string, wanted: Json | undefined): Promise<boolean> {
  const answer = await call('lambda', 'GetFunctionConcurrency', { FunctionName: name });
  const current = answer.ReservedConcurrentExecutions as number | undefined;
  if (wanted === undefined || wanted === null) {
    if (current !== undefined) await call('lambda', 'DeleteFunctionConcurrency', { FunctionName: name });
    return current !== undefined;
  }
  if (current === Number(wanted)) return false;
  await call('lambda', 'PutFunctionConcurrency', {
    FunctionName: name,
    ReservedConcurrentExecutions: Number(wanted),
  });
  return true;
}

async function orAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if ((error as Error).name === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}
