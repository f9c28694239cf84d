/**
 * Lambda's lengths, ranges, patterns and enums. Patterns and orders of enums as recorded from the service where
 * they were (November 2025 to January 2026), else as in botocore's model. What Lambda checks itself, with
 * errors of its own (runtimes, routing weights, lengths of new names), is in `services/lambda`.
 */
import type { Facts } from './constraints.ts';

const REGION = '(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}';
const FUNCTION_PREFIX = `(arn:(aws[a-zA-Z-]*)?:lambda:)?(${REGION}:)?(\\d{12}:)?(function:)?`;

const NAMESPACED_FUNCTION_NAME: Facts = {
  length: [1, 256],
  pattern: `${FUNCTION_PREFIX}([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`,
};
const FUNCTION_NAME: Facts = {
  length: [1, 140],
  pattern: `${FUNCTION_PREFIX}([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?`,
};
const UNQUALIFIED_FUNCTION_NAME: Facts = {
  length: [1, 140],
  pattern: `${FUNCTION_PREFIX}([a-zA-Z0-9-_]+)`,
};
const QUALIFIER: Facts = { length: [1, 128], pattern: '\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+' };
const PROVISIONED_QUALIFIER: Facts = { length: [1, 128], pattern: '(|[a-zA-Z0-9$_-]+)' };
const URL_QUALIFIER: Facts = { length: [1, 128], pattern: '((?!^\\d+$)^[0-9a-zA-Z-_]+$)' };
const ALIAS: Facts = { length: [1, 128], pattern: '(?!^[0-9]+$)([a-zA-Z0-9-_]+)' };
const VERSION: Facts = { length: [1, 1024], pattern: '(\\$LATEST(\\.PUBLISHED)?|[0-9]+)' };
const LAYER_NAME: Facts = {
  length: [1, 140],
  pattern: '(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+',
};
const LAYER_VERSION_PATTERN = `(arn:(aws[a-zA-Z-]*)?:lambda:${REGION}:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)`;
const LAYERS: Facts = { each: { length: [1, 2048], pattern: LAYER_VERSION_PATTERN } };
const ARN: Facts = {
  pattern: `arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:(${REGION})?:(\\d{12})?:(.*)`,
};
const TAGGABLE: Facts = {
  length: [1, 256],
  pattern: `arn:(aws[a-zA-Z-]*):lambda:${REGION}:\\d{12}:(function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)`,
};
const KMS_KEY: Facts = { pattern: '(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()' };
const DESTINATION: Facts = {
  length: [0, 350],
  pattern: `$|kafka://([^.]([a-zA-Z0-9\\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:(${REGION})?:(\\d{12})?:(.*)`,
};
const ROLE: Facts = { pattern: 'arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+' };
const HANDLER: Facts = { length: [0, 128], pattern: '[^\\s]+' };
const DESCRIPTION: Facts = { length: [0, 256] };
const STATEMENT_ID: Facts = { length: [1, 100], pattern: '([a-zA-Z0-9-_]+)' };
const ARCHITECTURE: Facts = { values: ['x86_64', 'arm64'] };
const ARCHITECTURES: Facts = { length: [1, 1], each: ARCHITECTURE };
const URL_AUTH_TYPE: Facts = { values: ['NONE', 'AWS_IAM'] };
const INVOKE_MODE: Facts = { values: ['RESPONSE_STREAM', 'BUFFERED'] };
const TENANT: Facts = { length: [1, 256], pattern: '[a-zA-Z0-9\\._:\\/=+\\-@ ]+' };
const MANY_ITEMS: Facts = { range: [1, 10_000] };
const FEW_ITEMS: Facts = { range: [1, 50] };
const HEADERS: Facts = { length: [0, 100], each: { length: [0, 1024], pattern: '.*' } };

/** In the order AWS prints it. */
const LAYER_RUNTIME: Facts = {
  values: [
    ...['ruby3.5', 'ruby2.6', 'dotnetcore1.0', 'python3.7', 'nodejs8.10', 'nasa', 'ruby2.7'],
    ...['python2.7-greengrass', 'dotnetcore2.0', 'python3.8', 'java21', 'dotnet6', 'dotnetcore2.1'],
    ...['python3.9', 'java11', 'nodejs6.10', 'provided', 'dotnetcore3.1', 'dotnet8', 'java25', 'java17'],
    ...['nodejs', 'nodejs4.3', 'java8.al2', 'go1.x', 'dotnet10', 'nodejs20.x', 'go1.9', 'byol'],
    ...['nodejs10.x', 'provided.al2023', 'nodejs22.x', 'python3.10', 'java8', 'nodejs12.x', 'python3.11'],
    ...['nodejs24.x', 'nodejs8.x', 'python3.12', 'nodejs14.x', 'nodejs8.9', 'nodejs26.x', 'python3.13'],
    ...['python3.14', 'nodejs16.x', 'python3.15', 'provided.al2', 'nodejs4.3-edge', 'nodejs18.x'],
    ...['ruby3.2', 'python3.4', 'ruby3.3', 'ruby3.4', 'ruby2.5', 'python3.6', 'python2.7'],
  ],
};

/** The same fact of one member in many inputs; `owners` are their names without `Request`. */
function each(member: string, facts: Facts, owners: string): Record<string, Facts> {
  return Object.fromEntries(owners.split(' ').map((owner) => [`${owner}Request.${member}`, facts]));
}

/** Of create and update alike. */
const mapping = (member: string, facts: Facts) =>
  each(member, facts, 'CreateEventSourceMapping UpdateEventSourceMapping');
const configuration = (member: string, facts: Facts) =>
  each(member, facts, 'CreateFunction UpdateFunctionConfiguration');

const INVOKE_CONFIGS =
  'PutFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig GetFunctionEventInvokeConfig DeleteFunctionEventInvokeConfig';
const PROVISIONED =
  'PutProvisionedConcurrencyConfig GetProvisionedConcurrencyConfig DeleteProvisionedConcurrencyConfig';
const URLS = 'CreateFunctionUrlConfig UpdateFunctionUrlConfig GetFunctionUrlConfig DeleteFunctionUrlConfig';

export const LAMBDA_FACTS: Readonly<Record<string, Facts>> = {
  ...each(
    'FunctionName',
    NAMESPACED_FUNCTION_NAME,
    `AddPermission DeleteFunction GetFunction GetFunctionCodeSigningConfig GetFunctionConfiguration GetPolicy GetRuntimeManagementConfig Invocation InvokeAsync InvokeWithResponseStream ListFunctionEventInvokeConfigs ListVersionsByFunction RemovePermission ${INVOKE_CONFIGS} CreateEventSourceMapping UpdateEventSourceMapping ListEventSourceMappings`,
  ),
  ...each(
    'FunctionName',
    FUNCTION_NAME,
    `CreateFunction UpdateFunctionCode UpdateFunctionConfiguration CreateAlias DeleteAlias GetAlias UpdateAlias ListAliases PublishVersion PutFunctionConcurrency GetFunctionConcurrency DeleteFunctionConcurrency ListProvisionedConcurrencyConfigs ListFunctionUrlConfigs ${PROVISIONED} ${URLS}`,
  ),
  ...each('FunctionName', UNQUALIFIED_FUNCTION_NAME, 'GetFunctionRecursionConfig PutFunctionRecursionConfig'),
  ...each(
    'Qualifier',
    QUALIFIER,
    `AddPermission DeleteFunction GetFunction GetFunctionConfiguration GetPolicy GetRuntimeManagementConfig Invocation InvokeWithResponseStream RemovePermission ${INVOKE_CONFIGS}`,
  ),
  ...each('Qualifier', PROVISIONED_QUALIFIER, PROVISIONED),
  ...each('Qualifier', URL_QUALIFIER, URLS),
  ...each('Name', ALIAS, 'CreateAlias DeleteAlias GetAlias UpdateAlias'),
  ...each('FunctionVersion', VERSION, 'CreateAlias ListAliases UpdateAlias'),
  ...each(
    'Description',
    DESCRIPTION,
    'CreateAlias UpdateAlias CreateFunction UpdateFunctionConfiguration PublishLayerVersion PublishVersion',
  ),

  ...configuration('Role', ROLE),
  ...configuration('Handler', HANDLER),
  ...configuration('KMSKeyArn', KMS_KEY),
  ...configuration('Timeout', { range: [1, undefined] }),
  ...configuration('MemorySize', { range: [128, 32_768] }),
  ...configuration('Layers', LAYERS),
  ...configuration('FileSystemConfigs', { length: [0, 1] }),
  ...each('Architectures', ARCHITECTURES, 'CreateFunction UpdateFunctionCode'),
  'CreateFunctionRequest.PackageType': { values: ['Zip', 'Image'] },
  'VpcConfig.SubnetIds': { length: [0, 16], each: { length: [0, 1024], pattern: 'subnet-[0-9a-z]*' } },
  'VpcConfig.SecurityGroupIds': { length: [0, 5], each: { length: [0, 1024], pattern: 'sg-[0-9a-zA-Z]*' } },
  'DeadLetterConfig.TargetArn': KMS_KEY,
  'Environment.Variables': { keys: { pattern: '[a-zA-Z]([a-zA-Z0-9_])+' } },
  'TracingConfig.Mode': { values: ['Active', 'PassThrough'] },
  'EphemeralStorage.Size': { range: [512, 10_240] },
  'SnapStart.ApplyOn': { values: ['PublishedVersions', 'None'] },
  'LoggingConfig.LogFormat': { values: ['JSON', 'Text'] },
  'LoggingConfig.ApplicationLogLevel': { values: ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] },
  'LoggingConfig.SystemLogLevel': { values: ['DEBUG', 'INFO', 'WARN'] },
  'LoggingConfig.LogGroup': { length: [1, 512], pattern: '[\\.\\-_/#A-Za-z0-9]+' },

  'InvocationRequest.InvocationType': { values: ['Event', 'RequestResponse', 'DryRun'] },
  'InvokeWithResponseStreamRequest.InvocationType': { values: ['RequestResponse', 'DryRun'] },
  ...each('LogType', { values: ['None', 'Tail'] }, 'Invocation InvokeWithResponseStream'),
  ...each('TenantId', TENANT, 'Invocation InvokeWithResponseStream'),
  'InvocationRequest.DurableExecutionName': { length: [1, 64], pattern: '[a-zA-Z0-9-_]+' },

  ...each(
    'MaximumRetryAttempts',
    { range: [0, 2] },
    'PutFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig',
  ),
  ...each(
    'MaximumEventAgeInSeconds',
    { range: [60, 21_600] },
    'PutFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig',
  ),
  'OnSuccess.Destination': DESTINATION,
  'OnFailure.Destination': DESTINATION,
  'PutFunctionRecursionConfigRequest.RecursiveLoop': { values: ['Terminate', 'Allow'] },
  'PutFunctionConcurrencyRequest.ReservedConcurrentExecutions': { range: [0, undefined] },
  'PutProvisionedConcurrencyConfigRequest.ProvisionedConcurrentExecutions': { range: [1, undefined] },

  'AddPermissionRequest.StatementId': STATEMENT_ID,
  'AddPermissionRequest.Action': { pattern: '(lambda:[*]|lambda:[a-zA-Z]+|[*])' },
  'AddPermissionRequest.Principal': { pattern: '[^\\s]+' },
  'AddPermissionRequest.SourceArn': ARN,
  'AddPermissionRequest.SourceAccount': { length: [0, 12], pattern: '\\d{12}' },
  'AddPermissionRequest.EventSourceToken': { length: [0, 256], pattern: '[a-zA-Z0-9._\\-]+' },
  'AddPermissionRequest.PrincipalOrgID': { length: [12, 34], pattern: 'o-[a-z0-9]{10,32}' },
  'AddPermissionRequest.FunctionUrlAuthType': URL_AUTH_TYPE,
  'RemovePermissionRequest.StatementId': { length: [1, 100], pattern: '([a-zA-Z0-9-_.]+)' },

  ...each(
    'LayerName',
    LAYER_NAME,
    'AddLayerVersionPermission DeleteLayerVersion GetLayerVersion GetLayerVersionPolicy ListLayerVersions PublishLayerVersion RemoveLayerVersionPermission',
  ),
  'GetLayerVersionByArnRequest.Arn': { length: [1, 2048], pattern: LAYER_VERSION_PATTERN },
  'PublishLayerVersionRequest.LicenseInfo': { length: [0, 512] },
  'PublishLayerVersionRequest.CompatibleRuntimes': { length: [0, 15] },
  'PublishLayerVersionRequest.CompatibleArchitectures': { length: [0, 2] },
  ...each('CompatibleRuntime', LAYER_RUNTIME, 'ListLayers ListLayerVersions'),
  ...each('CompatibleArchitecture', ARCHITECTURE, 'ListLayers ListLayerVersions'),
  ...each('StatementId', STATEMENT_ID, 'AddLayerVersionPermission RemoveLayerVersionPermission'),
  'AddLayerVersionPermissionRequest.Action': { length: [0, 22], pattern: 'lambda:GetLayerVersion' },
  'AddLayerVersionPermissionRequest.Principal': {
    pattern: '\\d{12}|\\*|arn:(aws[a-zA-Z-]*):iam::\\d{12}:root',
  },
  'AddLayerVersionPermissionRequest.OrganizationId': { length: [0, 34], pattern: 'o-[a-z0-9]{10,32}' },

  ...each('Resource', TAGGABLE, 'ListTags TagResource UntagResource'),
  ...each('MaxItems', MANY_ITEMS, 'ListAliases ListFunctions ListVersionsByFunction ListEventSourceMappings'),
  ...each(
    'MaxItems',
    FEW_ITEMS,
    'ListFunctionEventInvokeConfigs ListLayers ListLayerVersions ListProvisionedConcurrencyConfigs ListFunctionUrlConfigs',
  ),
  'ListFunctionsRequest.FunctionVersion': { values: ['ALL'] },
  'ListFunctionsRequest.MasterRegion': { pattern: `ALL|${REGION}` },

  ...each('AuthType', URL_AUTH_TYPE, 'CreateFunctionUrlConfig UpdateFunctionUrlConfig'),
  ...each('InvokeMode', INVOKE_MODE, 'CreateFunctionUrlConfig UpdateFunctionUrlConfig'),
  'Cors.AllowHeaders': HEADERS,
  'Cors.ExposeHeaders': HEADERS,
  'Cors.AllowMethods': { length: [0, 6], each: { length: [0, 6], pattern: '.*' } },
  'Cors.AllowOrigins': { length: [0, 100], each: { length: [1, 253], pattern: '.*' } },
  'Cors.MaxAge': { range: [0, 86_400] },

  'CreateEventSourceMappingRequest.EventSourceArn': ARN,
  'ListEventSourceMappingsRequest.EventSourceArn': ARN,
  'CreateEventSourceMappingRequest.StartingPosition': { values: ['LATEST', 'AT_TIMESTAMP', 'TRIM_HORIZON'] },
  ...mapping('BatchSize', { range: [1, 10_000] }),
  ...mapping('MaximumBatchingWindowInSeconds', { range: [0, 300] }),
  ...mapping('ParallelizationFactor', { range: [1, 10] }),
  ...mapping('MaximumRecordAgeInSeconds', { range: [-1, 604_800] }),
  ...mapping('MaximumRetryAttempts', { range: [-1, 10_000] }),
  ...mapping('TumblingWindowInSeconds', { range: [0, 900] }),
  ...mapping('FunctionResponseTypes', { length: [0, 1], each: { values: ['ReportBatchItemFailures'] } }),
  ...mapping('KMSKeyArn', KMS_KEY),
  'Filter.Pattern': { length: [0, 4096] },
  'ScalingConfig.MaximumConcurrency': { range: [2, 1000] },
  'ProvisionedPollerConfig.MinimumPollers': { range: [1, 200] },
  'ProvisionedPollerConfig.MaximumPollers': { range: [1, 2000] },
  'EventSourceMappingMetricsConfig.Metrics': {
    length: [0, 3],
    each: { values: ['EventCount', 'ErrorCount', 'KafkaMetrics'] },
  },
};
