/**
 * Members of CreateFunction and UpdateFunctionConfiguration → a change of configuration.
 * What Redrive cannot do is refused here, in AWS's words where AWS would refuse it too.
 */
import type { CreateFunctionRequest, UpdateFunctionConfigurationRequest } from '@aws-sdk/client-lambda';
import type { ConfigurationChange } from '../../domain/lambda-configuration.ts';
import type { Resources } from '../../store/store.ts';
import { unsupported } from './errors.ts';
import { resolveLayers } from './layer-use.ts';

type Input = Partial<CreateFunctionRequest> & Partial<UpdateFunctionConfigurationRequest>;

/** Features that would have to change how a function runs, and do not. */
function refuseUnsupported(input: Input): void {
  const [subnet] = input.VpcConfig?.SubnetIds ?? [];
  if (subnet) {
    throw unsupported(
      `Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: The subnet ID '${subnet}' does not exist`,
    );
  }
  const [group] = input.VpcConfig?.SecurityGroupIds ?? [];
  if (group) {
    throw unsupported(
      `Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. EC2 Error Message: The security group '${group}' does not exist`,
    );
  }
  if (input.FileSystemConfigs?.length) {
    throw unsupported('Redrive mounts no file systems: leave FileSystemConfigs out.');
  }
  if (input.ImageConfig && Object.keys(input.ImageConfig).length > 0) {
    throw unsupported('ImageConfig is not supported for functions created with deployment packages.');
  }
  if (input.CodeSigningConfigArn) {
    throw unsupported('Redrive checks no code signatures: leave CodeSigningConfigArn out.');
  }
  if (input.TenancyConfig) {
    throw unsupported('Redrive does not isolate tenants: leave TenancyConfig out.');
  }
  if (input.CapacityProviderConfig) {
    throw unsupported('Redrive has no capacity providers: leave CapacityProviderConfig out.');
  }
  if (input.DurableConfig) {
    throw unsupported('Redrive has no durable functions: leave DurableConfig out.');
  }
}

export function readConfigurationChange(
  resources: Resources,
  input: Input,
  region: string,
): ConfigurationChange {
  refuseUnsupported(input);
  return {
    runtime: input.Runtime,
    handler: input.Handler,
    role: input.Role,
    description: input.Description,
    timeoutSeconds: input.Timeout,
    memoryMb: input.MemorySize,
    ephemeralStorageMb: input.EphemeralStorage?.Size,
    environment: input.Environment ? (input.Environment.Variables ?? {}) : undefined,
    // `DeadLetterConfig: {}` leaves the queue as it is; `TargetArn: ""` takes it away (observed).
    deadLetterTargetArn: input.DeadLetterConfig?.TargetArn,
    tracingMode: input.TracingConfig?.Mode,
    layers: input.Layers && resolveLayers(resources, input.Layers, region),
    logging: input.LoggingConfig && {
      format: input.LoggingConfig.LogFormat,
      applicationLevel: input.LoggingConfig.ApplicationLogLevel,
      systemLevel: input.LoggingConfig.SystemLogLevel,
      group: input.LoggingConfig.LogGroup,
    },
    snapStart: input.SnapStart?.ApplyOn,
    kmsKeyArn: input.KMSKeyArn,
    architectures: input.Architectures,
  };
}
