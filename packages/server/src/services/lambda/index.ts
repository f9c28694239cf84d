/** AWS Lambda: the operations that are served. What the model has beyond them is refused by name. */
import type { Service } from '../../protocol/operation.ts';
import type { LambdaDeps } from './deps.ts';
import { LAMBDA_ERRORS } from './errors.ts';
import { createFunction } from './operations/create-function.ts';
import { deleteFunction } from './operations/delete-function.ts';
import {
  deleteFunctionEventInvokeConfig,
  getFunctionEventInvokeConfig,
  listFunctionEventInvokeConfigs,
  putFunctionEventInvokeConfig,
  updateFunctionEventInvokeConfig,
} from './operations/event-invoke-config.ts';
import { getFunction, getFunctionConfiguration } from './operations/get-function.ts';
import { invoke } from './operations/invoke.ts';
import { invokeAsync } from './operations/invoke-async.ts';
import { listFunctions, listVersionsByFunction } from './operations/list-functions.ts';
import { updateFunctionCode } from './operations/update-function-code.ts';
import { updateFunctionConfiguration } from './operations/update-function-configuration.ts';

export type { LambdaDeps } from './deps.ts';

export function createLambdaService(deps: LambdaDeps): Service {
  return {
    name: 'lambda',
    errors: LAMBDA_ERRORS,
    operations: {
      CreateFunction: createFunction(deps),
      DeleteFunction: deleteFunction(deps),
      DeleteFunctionEventInvokeConfig: deleteFunctionEventInvokeConfig(deps),
      GetFunction: getFunction(deps),
      GetFunctionConfiguration: getFunctionConfiguration(deps),
      GetFunctionEventInvokeConfig: getFunctionEventInvokeConfig(deps),
      Invoke: invoke(deps),
      InvokeAsync: invokeAsync(deps),
      ListFunctionEventInvokeConfigs: listFunctionEventInvokeConfigs(deps),
      ListFunctions: listFunctions(deps),
      ListVersionsByFunction: listVersionsByFunction(deps),
      PutFunctionEventInvokeConfig: putFunctionEventInvokeConfig(deps),
      UpdateFunctionCode: updateFunctionCode(deps),
      UpdateFunctionConfiguration: updateFunctionConfiguration(deps),
      UpdateFunctionEventInvokeConfig: updateFunctionEventInvokeConfig(deps),
    },
  };
}
