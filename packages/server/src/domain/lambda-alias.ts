/**
 * Aliases: a name for one version, or for two with a share each.
 * Source: AWS "Implement Lambda canary deployments using a weighted alias"; texts observed.
 */
import type { AliasRecord, FunctionRecord } from './lambda-function.ts';
import { LATEST } from './lambda-names.ts';
import { type Refusal, refuseConstraint, refuseParameter } from './lambda-refusal.ts';

const WEIGHT_CONSTRAINT =
  'Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]';
const VERSION_CONSTRAINT =
  'Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]';

/** Prints a map of weights the way AWS's validation does: `{2=0.5}`. */
function formatWeights(weights: Readonly<Record<string, number>>): string {
  const entries = Object.entries(weights).map(
    ([version, weight]) => `${version}=${Number.isInteger(weight) ? weight.toFixed(1) : weight}`,
  );
  return `{${entries.join(', ')}}`;
}

/** What the model says of weights; AWS checks it before anything else. */
export function checkWeights(weights: Readonly<Record<string, number>>): Refusal | undefined {
  const member = 'routingConfig.additionalVersionWeights';
  if (Object.keys(weights).some((version) => !/^[0-9]+$/.test(version))) {
    return refuseConstraint(formatWeights(weights), member, VERSION_CONSTRAINT);
  }
  if (Object.values(weights).some((weight) => !(weight >= 0 && weight <= 1))) {
    return refuseConstraint(formatWeights(weights), member, WEIGHT_CONSTRAINT);
  }
  return undefined;
}

/** What makes no sense for an alias of `functionVersion`. */
export function checkRouting(
  functionVersion: string,
  weights: Readonly<Record<string, number>>,
): Refusal | undefined {
  const versions = Object.keys(weights);
  if (versions.length > 1) {
    return refuseParameter('Number of items in AdditionalVersionWeights cannot be greater than 1');
  }
  if (versions.includes(functionVersion)) {
    return refuseParameter(
      `Invalid function version ${functionVersion}. Function version ${functionVersion} is already included in routing configuration.`,
    );
  }
  if (versions.length > 0 && functionVersion === LATEST) {
    return refuseParameter('$LATEST is not supported for an alias pointing to more than 1 version');
  }
  return undefined;
}

/** AWS: "Both versions must have the same execution role" and the same dead-letter queue, or none. */
export function checkSameSettings(main: FunctionRecord, additional: FunctionRecord): Refusal | undefined {
  if (main.role === additional.role && main.deadLetterTargetArn === additional.deadLetterTargetArn) {
    return undefined;
  }
  return refuseParameter(
    `Versions ${main.version} and ${additional.version} cannot share an alias: both must have the same execution role and the same dead-letter queue, or none.`,
  );
}

/** Empty weights are none. */
export function normaliseWeights(
  weights: Readonly<Record<string, number>> | undefined,
): AliasRecord['additionalVersionWeights'] {
  return weights && Object.keys(weights).length > 0 ? weights : undefined;
}
