/** AWS Lambda: the operations that are served. What the model has beyond them is refused by name. */
import type { Service } from '../../protocol/operation.ts';
import type { LambdaDeps } from './deps.ts';
import { LAMBDA_ERRORS } from './errors.ts';
import { getAccountSettings } from './operations/account-settings.ts';
import {
  createAlias,
  deleteAlias,
  getAlias,
  listAliasesOperation,
  updateAlias,
} from './operations/aliases.ts';
import { createFunction } from './operations/create-function.ts';
import { deleteFunction } from './operations/delete-function.ts';
import {
  deleteFunctionEventInvokeConfig,
  getFunctionEventInvokeConfig,
  listFunctionEventInvokeConfigs,
  putFunctionEventInvokeConfig,
  updateFunctionEventInvokeConfig,
} from './operations/event-invoke-config.ts';
import {
  createEventSourceMapping,
  deleteEventSourceMapping,
  getEventSourceMapping,
  listEventSourceMappings,
  updateEventSourceMapping,
} from './operations/event-source-mappings.ts';
import {
  deleteFunctionConcurrency,
  getFunctionConcurrency,
  putFunctionConcurrency,
} from './operations/function-concurrency.ts';
import {
  getFunctionCodeSigningConfig,
  getFunctionRecursionConfig,
  getRuntimeManagementConfig,
  putFunctionRecursionConfig,
} from './operations/function-settings.ts';
import {
  createFunctionUrlConfig,
  deleteFunctionUrlConfig,
  getFunctionUrlConfig,
  listFunctionUrlConfigs,
  updateFunctionUrlConfig,
} from './operations/function-urls.ts';
import { getFunction, getFunctionConfiguration } from './operations/get-function.ts';
import { invoke } from './operations/invoke.ts';
import { invokeAsync } from './operations/invoke-async.ts';
import { invokeWithResponseStream } from './operations/invoke-with-response-stream.ts';
import {
  addLayerVersionPermission,
  getLayerVersionPolicy,
  removeLayerVersionPermission,
} from './operations/layer-permissions.ts';
import {
  deleteLayerVersion,
  getLayerVersion,
  getLayerVersionByArn,
  listLayers,
  listLayerVersions,
  publishLayerVersion,
} from './operations/layers.ts';
import { listFunctions, listVersionsByFunction } from './operations/list-functions.ts';
import { addPermission, getPolicy, removePermission } from './operations/permissions.ts';
import {
  deleteProvisionedConcurrencyConfig,
  getProvisionedConcurrencyConfig,
  listProvisionedConcurrencyConfigs,
  putProvisionedConcurrencyConfig,
} from './operations/provisioned-concurrency.ts';
import { publishVersion } from './operations/publish-version.ts';
import { listTags, tagResource, untagResource } from './operations/tags.ts';
import { updateFunctionCode } from './operations/update-function-code.ts';
import { updateFunctionConfiguration } from './operations/update-function-configuration.ts';

export type { LambdaDeps } from './deps.ts';

export function createLambdaService(deps: LambdaDeps): Service {
  return {
    name: 'lambda',
    errors: LAMBDA_ERRORS,
    operations: {
      AddLayerVersionPermission: addLayerVersionPermission(deps),
      AddPermission: addPermission(deps),
      CreateAlias: createAlias(deps),
      CreateEventSourceMapping: createEventSourceMapping(deps),
      CreateFunction: createFunction(deps),
      CreateFunctionUrlConfig: createFunctionUrlConfig(deps),
      DeleteAlias: deleteAlias(deps),
      DeleteEventSourceMapping: deleteEventSourceMapping(deps),
      DeleteFunction: deleteFunction(deps),
      DeleteFunctionConcurrency: deleteFunctionConcurrency(deps),
      DeleteFunctionEventInvokeConfig: deleteFunctionEventInvokeConfig(deps),
      DeleteFunctionUrlConfig: deleteFunctionUrlConfig(deps),
      DeleteLayerVersion: deleteLayerVersion(deps),
      DeleteProvisionedConcurrencyConfig: deleteProvisionedConcurrencyConfig(deps),
      GetAccountSettings: getAccountSettings(deps),
      GetAlias: getAlias(deps),
      GetEventSourceMapping: getEventSourceMapping(deps),
      GetFunction: getFunction(deps),
      GetFunctionCodeSigningConfig: getFunctionCodeSigningConfig(deps),
      GetFunctionConcurrency: getFunctionConcurrency(deps),
      GetFunctionConfiguration: getFunctionConfiguration(deps),
      GetFunctionEventInvokeConfig: getFunctionEventInvokeConfig(deps),
      GetFunctionRecursionConfig: getFunctionRecursionConfig(deps),
      GetFunctionUrlConfig: getFunctionUrlConfig(deps),
      GetLayerVersion: getLayerVersion(deps),
      GetLayerVersionByArn: getLayerVersionByArn(deps),
      GetLayerVersionPolicy: getLayerVersionPolicy(deps),
      GetPolicy: getPolicy(deps),
      GetProvisionedConcurrencyConfig: getProvisionedConcurrencyConfig(deps),
      GetRuntimeManagementConfig: getRuntimeManagementConfig(deps),
      Invoke: invoke(deps),
      InvokeAsync: invokeAsync(deps),
      InvokeWithResponseStream: invokeWithResponseStream(deps),
      ListAliases: listAliasesOperation(deps),
      ListEventSourceMappings: listEventSourceMappings(deps),
      ListFunctionEventInvokeConfigs: listFunctionEventInvokeConfigs(deps),
      ListFunctionUrlConfigs: listFunctionUrlConfigs(deps),
      ListFunctions: listFunctions(deps),
      ListLayerVersions: listLayerVersions(deps),
      ListLayers: listLayers(deps),
      ListProvisionedConcurrencyConfigs: listProvisionedConcurrencyConfigs(deps),
      ListTags: listTags(deps),
      ListVersionsByFunction: listVersionsByFunction(deps),
      PublishLayerVersion: publishLayerVersion(deps),
      PublishVersion: publishVersion(deps),
      PutFunctionConcurrency: putFunctionConcurrency(deps),
      PutFunctionEventInvokeConfig: putFunctionEventInvokeConfig(deps),
      PutFunctionRecursionConfig: putFunctionRecursionConfig(deps),
      PutProvisionedConcurrencyConfig: putProvisionedConcurrencyConfig(deps),
      RemoveLayerVersionPermission: removeLayerVersionPermission(deps),
      RemovePermission: removePermission(deps),
      TagResource: tagResource(deps),
      UntagResource: untagResource(deps),
      UpdateAlias: updateAlias(deps),
      UpdateEventSourceMapping: updateEventSourceMapping(deps),
      UpdateFunctionCode: updateFunctionCode(deps),
      UpdateFunctionConfiguration: updateFunctionConfiguration(deps),
      UpdateFunctionEventInvokeConfig: updateFunctionEventInvokeConfig(deps),
      UpdateFunctionUrlConfig: updateFunctionUrlConfig(deps),
    },
  };
}
