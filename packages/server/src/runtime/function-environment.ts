/**
 * The variables a function sees: AWS's, its own, and nothing of the server's environment.
 * Source: AWS "Working with Lambda environment variables"; observed per runtime.
 */
import { dirname } from 'node:path';
import type { FunctionSpec } from '../domain/invocation.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface EnvironmentInput {
  readonly spec: FunctionSpec;
  readonly taskRoot: string;
  /** Where layers are; `/opt` on AWS. */
  readonly optRoot: string;
  readonly runtimeDir: string;
  readonly logStream: string;
  readonly credentials: Credentials;
  /** URL of this server: the SDKs in the function call it instead of AWS. */
  readonly endpoint: string;
  /** Own temporary folder; absent when the process has a private `/tmp`. */
  readonly tmp?: string;
  /** Host and port of the Runtime API, for runtimes that speak HTTP. */
  readonly runtimeApi?: string;
  /** Program that runs the code, if the platform brings it. */
  readonly interpreter?: string;
}

export function formatFunctionEnvironment(input: EnvironmentInput): Record<string, string> {
  const { spec, taskRoot, optRoot } = input;
  const isNode = spec.runtime.startsWith('nodejs');
  const isPython = spec.runtime.startsWith('python');
  const isCustom = spec.runtime.startsWith('provided');
  const bin = input.interpreter === undefined ? '' : `${dirname(input.interpreter)}:`;
  const env: Record<string, string> = {
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    PATH: `${bin}/usr/local/bin:/usr/bin/:/bin:${optRoot}/bin`,
    LD_LIBRARY_PATH: `${taskRoot}:${taskRoot}/lib:${optRoot}/lib`,
    // Chosen: without it the SDKs would read the profile of whoever started the server.
    HOME: input.tmp ?? '/tmp',
    ...spec.environment,
    AWS_ENDPOINT_URL: spec.environment.AWS_ENDPOINT_URL ?? input.endpoint,
    AWS_REGION: spec.region,
    AWS_DEFAULT_REGION: spec.environment.AWS_DEFAULT_REGION ?? spec.region,
    AWS_ACCESS_KEY_ID: input.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: input.credentials.secretAccessKey,
    AWS_SESSION_TOKEN: input.credentials.sessionToken,
    AWS_LAMBDA_FUNCTION_NAME: spec.name,
    AWS_LAMBDA_FUNCTION_VERSION: spec.version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: spec.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: input.logStream,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
    AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:2000',
    _AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1',
    _AWS_XRAY_DAEMON_PORT: '2000',
    LAMBDA_TASK_ROOT: taskRoot,
    LAMBDA_RUNTIME_DIR: input.runtimeDir,
    _HANDLER: spec.handler,
  };
  if (input.tmp !== undefined) env.TMPDIR = input.tmp;
  if (input.runtimeApi !== undefined) env.AWS_LAMBDA_RUNTIME_API = input.runtimeApi;
  if (!isCustom) {
    env.AWS_EXECUTION_ENV = `AWS_Lambda_${spec.runtime}`;
    env.PWD = taskRoot;
    env.SHLVL = '0';
  }
  if (spec.logFormat === 'JSON') {
    env.AWS_LAMBDA_LOG_FORMAT = 'JSON';
    env.AWS_LAMBDA_LOG_LEVEL = spec.applicationLogLevel ?? 'INFO';
  }
  if (isNode) {
    const major = /\d+/.exec(spec.runtime)?.[0];
    env.NODE_PATH ??= `${optRoot}/nodejs/node${major}/node_modules:${optRoot}/nodejs/node_modules:${taskRoot}/node_modules:${taskRoot}`;
  }
  if (isPython) {
    const layers = `${optRoot}/python:${optRoot}/python/lib/${spec.runtime}/site-packages`;
    env.PYTHONPATH = env.PYTHONPATH === undefined ? layers : `${env.PYTHONPATH}:${layers}`;
  }
  return env;
}
