/** GetAccountSettings: limits and what is used of them. */
import {
  type ConcurrencyRecord,
  type FunctionRecord,
  LAMBDA_COLLECTIONS,
} from '../../../domain/lambda-function.ts';
import type { LayerVersionRecord } from '../../../domain/lambda-layer.ts';
import { TOTAL_CODE_BYTES, UNZIPPED_BYTES, ZIP_BYTES } from '../../../domain/lambda-limits.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { accountConcurrency } from '../concurrency.ts';
import type { LambdaDeps } from '../deps.ts';

export function getAccountSettings(deps: LambdaDeps): Handler<Record<string, never>> {
  const { resources } = deps.store;
  return () => {
    const functions = resources.list<FunctionRecord>(LAMBDA_COLLECTIONS.functions);
    const versions = resources.list<FunctionRecord>(LAMBDA_COLLECTIONS.versions);
    const layers = resources.list<LayerVersionRecord>(LAMBDA_COLLECTIONS.layerVersions);
    const codeSize = [...functions, ...versions, ...layers].reduce(
      (sum, { value }) => sum + value.codeSize,
      0,
    );
    const reserved = resources
      .list<ConcurrencyRecord>(LAMBDA_COLLECTIONS.concurrency)
      .reduce((sum, { value }) => sum + value.reserved, 0);
    const concurrency = accountConcurrency(deps);
    return {
      AccountLimit: {
        TotalCodeSize: TOTAL_CODE_BYTES,
        CodeSizeUnzipped: UNZIPPED_BYTES,
        CodeSizeZipped: ZIP_BYTES,
        ConcurrentExecutions: concurrency,
        UnreservedConcurrentExecutions: concurrency - reserved,
      },
      AccountUsage: { TotalCodeSize: codeSize, FunctionCount: functions.length },
    };
  };
}
