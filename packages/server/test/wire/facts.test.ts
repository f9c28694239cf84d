/**
 * Our hand-written facts against botocore's models, where botocore is installed: every fact is one of botocore's
 * or a recorded difference, every constraint of an operation we may offer is in the table or a known gap, and
 * integers and doubles agree.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { type Facts, factsOf } from '../../src/protocol/constraints.ts';
import { isInteger } from '../../src/protocol/integers.ts';
import { isStructure, loadModel, type Shape, type StructureShape } from '../../src/protocol/model.ts';
import type { ServiceName } from '../../src/protocol/operation.ts';

const SCRIPT = `
import botocore.session, json, sys
session = botocore.session.get_session()
def facts(shape):
    found = {'type': shape.type_name}
    meta = shape.metadata
    if shape.type_name in ('string', 'list', 'map', 'blob'):
        if 'min' in meta or 'max' in meta: found['length'] = [meta.get('min'), meta.get('max')]
    elif 'min' in meta or 'max' in meta: found['range'] = [meta.get('min'), meta.get('max')]
    if meta.get('pattern'): found['pattern'] = meta['pattern']
    if getattr(shape, 'enum', None): found['values'] = shape.enum
    if shape.type_name == 'list': found['each'] = facts(shape.member)
    if shape.type_name == 'map':
        found['keys'] = facts(shape.key)
        found['each'] = facts(shape.value)
    return found
out = {}
for service in sys.argv[1:]:
    model = session.get_service_model(service)
    out[service] = {}
    for name in model.shape_names:
        shape = model.shape_for(name)
        if shape.type_name == 'structure':
            out[service][name] = {key: facts(value) for key, value in shape.members.items()}
print(json.dumps(out))
`;

interface BotoFacts {
  readonly type: string;
  readonly length?: [number | null, number | null];
  readonly range?: [number | null, number | null];
  readonly pattern?: string;
  readonly values?: string[];
  readonly each?: BotoFacts;
  readonly keys?: BotoFacts;
}
type BotoModel = Record<string, Record<string, BotoFacts>>;

const CHECKED: readonly ServiceName[] = ['lambda', 'sns', 'logs', 'cloudwatch', 'sqs'];

function readBotocore(): Record<ServiceName, BotoModel> | undefined {
  try {
    return JSON.parse(
      execFileSync('python3', ['-c', SCRIPT, ...CHECKED], {
        encoding: 'utf8',
        maxBuffer: 64 * 1_048_576,
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
  } catch {
    return undefined;
  }
}
const boto = readBotocore();
const skip = boto
  ? false
  : 'BOTOCORE IS MISSING: the facts are not compared (python3 -m pip install botocore)';

/** Where the recordings or the service's own checks say otherwise. `*` stands for every structure. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  'lambda *.CompatibleRuntime': 'the recorded set knows more runtimes',
  'lambda *.Layers': 'recorded: 2048 characters and AWS-owned layers',
  'lambda GetLayerVersionByArnRequest.Arn': 'recorded: 2048 characters and AWS-owned layers',
  'lambda VpcConfig.SubnetIds': 'recorded: elements have a pattern',
  'lambda VpcConfig.SecurityGroupIds': 'recorded: elements have a pattern',
  'lambda *.Resource': 'recorded: layers can be tagged',
  'lambda Filter.Pattern': 'a pattern that everything satisfies',
  'lambda PublishLayerVersionRequest.CompatibleRuntimes': 'worded by the service',
  'lambda PublishLayerVersionRequest.CompatibleArchitectures': 'worded by the service',
  'lambda *.SourceArn': 'the pattern of regions is the recorded one',
  'lambda *.EventSourceArn': 'the pattern of regions is the recorded one',
  'lambda ListFunctionsRequest.MasterRegion': 'the pattern of regions is the recorded one',
};

function differs(service: string, structure: string, member: string): boolean {
  return `${service} ${structure}.${member}` in DIFFERENCES || `${service} *.${member}` in DIFFERENCES;
}

/** Regions of the European Sovereign Cloud are in recordings, not in every botocore. */
function pattern(text: string | undefined): string | undefined {
  return text?.replaceAll('(eusc-)?', '').replace(/^\^|\$$/g, '');
}

function comparable(facts: Facts | BotoFacts | undefined): object {
  if (!facts) return {};
  const out: Record<string, unknown> = {};
  const bounds = (pair: readonly (number | null | undefined)[]) => [pair[0] ?? null, pair[1] ?? null];
  if (facts.length) out.length = bounds(facts.length);
  if (facts.range) out.range = bounds(facts.range);
  if (facts.pattern !== undefined) out.pattern = pattern(facts.pattern);
  if (facts.values) out.values = [...facts.values].sort();
  const each = comparable(facts.each);
  if (Object.keys(each).length > 0) out.each = each;
  const keys = comparable(facts.keys);
  if (Object.keys(keys).length > 0) out.keys = keys;
  return out;
}

/** Structures reachable from inputs. */
function inputStructures(service: ServiceName): StructureShape[] {
  const found = new Map<string, StructureShape>();
  const walk = (shape: Shape): void => {
    if (shape.kind === 'list') walk(shape.member.shape);
    else if (shape.kind === 'map') walk(shape.value.shape);
    else if (isStructure(shape) && !found.has(shape.name)) {
      found.set(shape.name, shape);
      for (const member of shape.members) walk(member.shape);
    }
  };
  for (const operation of loadModel(service).operations.values()) walk(operation.input);
  return [...found.values()];
}

for (const service of CHECKED) {
  test(`facts of ${service} are botocore's, or a recorded difference`, { skip }, () => {
    const wrong: string[] = [];
    for (const structure of inputStructures(service)) {
      const theirs = boto![service][structure.name];
      for (const { name } of theirs ? structure.members : []) {
        const ours = factsOf(service, structure.name, name);
        if (!ours || !theirs![name] || differs(service, structure.name, name)) continue;
        try {
          assert.deepEqual(comparable(ours), comparable(theirs![name]));
        } catch {
          wrong.push(
            `${structure.name}.${name}: ours ${JSON.stringify(comparable(ours))}, theirs ${JSON.stringify(comparable(theirs![name]))}`,
          );
        }
      }
    }
    assert.deepEqual(wrong, []);
  });

  test(`numbers of ${service} are whole where botocore says so`, { skip }, () => {
    const wrong: string[] = [];
    for (const structure of inputStructures(service)) {
      for (const member of structure.members) {
        const theirs = boto![service][structure.name]?.[member.name];
        if (member.shape.kind !== 'number' || !theirs) continue;
        const whole = theirs.type === 'integer' || theirs.type === 'long';
        if (isInteger(service, structure.name, member.name) !== whole) {
          wrong.push(`${structure.name}.${member.name} is ${theirs.type}`);
        }
      }
    }
    assert.deepEqual(wrong, []);
  });
}

/** Operations whose inputs must be covered completely. */
const COVERED: Readonly<Partial<Record<ServiceName, readonly string[]>>> = {
  lambda: [
    'Invoke',
    'InvokeAsync',
    'PutFunctionEventInvokeConfig',
    'UpdateFunctionEventInvokeConfig',
    'CreateAlias',
    'AddPermission',
    'PutFunctionConcurrency',
    'PutFunctionRecursionConfig',
  ],
  logs: [
    'CreateLogGroup',
    'CreateLogStream',
    'PutLogEvents',
    'GetLogEvents',
    'FilterLogEvents',
    'DescribeLogGroups',
    'DescribeLogStreams',
    'PutMetricFilter',
    'PutSubscriptionFilter',
    'StartQuery',
    'GetQueryResults',
    'StartLiveTail',
    'TagResource',
    'UntagResource',
  ],
  cloudwatch: [
    'PutMetricData',
    'GetMetricData',
    'GetMetricStatistics',
    'ListMetrics',
    'PutMetricAlarm',
    'PutCompositeAlarm',
    'DescribeAlarms',
    'DescribeAlarmHistory',
    'SetAlarmState',
    'DeleteAlarms',
  ],
};
/** Constraints we leave to the service, with the reason. */
const GAPS: Readonly<Record<string, string>> = {
  'lambda AliasRoutingConfiguration.AdditionalVersionWeights': 'the service words them',
};

for (const [service, operations] of Object.entries(COVERED) as [ServiceName, readonly string[]][]) {
  test(`the commonest operations of ${service} have all of botocore's constraints`, { skip }, () => {
    const missing: string[] = [];
    const model = loadModel(service);
    const seen = new Set<string>();
    const walk = (shape: Shape): void => {
      if (shape.kind === 'list') walk(shape.member.shape);
      else if (shape.kind === 'map') walk(shape.value.shape);
      else if (isStructure(shape) && !seen.has(shape.name)) {
        seen.add(shape.name);
        for (const member of shape.members) {
          const key = `${service} ${shape.name}.${member.name}`;
          const theirs = comparable(boto![service][shape.name]?.[member.name]);
          if (
            Object.keys(theirs).length > 0 &&
            !factsOf(service, shape.name, member.name) &&
            !(key in GAPS)
          ) {
            missing.push(key);
          }
          walk(member.shape);
        }
      }
    };
    for (const name of operations) walk(model.operations.get(name)!.input);
    assert.deepEqual(missing, []);
  });
}
