/**
 * Proof at start-up that a service's tables name only what AWS has: a handler for an operation that the model
 * lacks could never be reached, an error that AWS never sends would surprise every client.
 */
import { DIALECTS } from './dialect.ts';
import { COMMON_ERRORS } from './error.ts';
import { loadModel } from './model.ts';
import type { Service } from './operation.ts';

/** Throws with every mismatch at once. */
export function assertServiceMatches(service: Service): void {
  const model = loadModel(service.name);
  const { unmodelledErrors } = DIALECTS[service.name];
  const problems: string[] = [];
  for (const operation of Object.keys(service.operations)) {
    if (!model.operations.has(operation)) problems.push(`operation ${operation} is not in the model`);
  }
  for (const [name, row] of Object.entries(service.errors)) {
    const modelled = model.errors.get(name);
    if (!modelled) {
      if (!unmodelledErrors.includes(name) && !COMMON_ERRORS[name]) {
        problems.push(`error ${name} is not in the model`);
      }
      continue;
    }
    if (modelled.status !== undefined && row.status !== modelled.status) {
      problems.push(`error ${name} has status ${row.status}, the model says ${modelled.status}`);
    }
    if (row.fault !== modelled.fault) {
      problems.push(`error ${name} has fault ${row.fault}, the model says ${modelled.fault}`);
    }
    const queryCode = row.queryCode ?? name;
    if (modelled.queryCode !== undefined && queryCode !== modelled.queryCode) {
      problems.push(`error ${name} has query code ${queryCode}, the model says ${modelled.queryCode}`);
    }
  }
  if (problems.length > 0) {
    throw new Error(`The tables of ${service.name} do not match its model: ${problems.join('; ')}.`);
  }
}
