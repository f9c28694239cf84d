/**
 * A template's resources brought to what the template says, one after the other, through the services' own
 * operations. Deploying again changes only what differs.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import type { ServiceName } from '../protocol/operation.ts';
import type { Json } from '../store/store.ts';
import { deployAlarm } from './deploy-alarm.ts';
import { deployFunction } from './deploy-function.ts';
import { deployQueue } from './deploy-queue.ts';
import { deployTopic } from './deploy-topic.ts';
import { planOrder } from './plan.ts';
import { type ResolvedResource, resolveNode, type Scope } from './resolve.ts';
import { type ResourceDeclaration, readTemplate } from './template.ts';
import { TemplateError } from './template-error.ts';

/** Invokes one operation of a service with the members of its model; rejects with an ApiError. */
export type Call = (
  service: ServiceName,
  operation: string,
  input: object,
  // biome-ignore lint/suspicious/noExplicitAny: outputs are read member by member
) => Promise<any>;

export interface DeployOptions {
  /** Absolute path of the template. */
  readonly template: string;
  readonly call: Call;
  readonly region: string;
  readonly accountId: string;
  /** In the names of resources that have none of their own; the folder's name when absent. */
  readonly stackName?: string;
}

export type Change = 'created' | 'updated' | 'unchanged';

interface DeployedResource {
  readonly logicalId: string;
  readonly type: string;
  /** Name of the function, URL of the queue. */
  readonly physicalId: string;
  readonly change: Change;
}

export interface Deployment {
  readonly stackName: string;
  readonly resources: readonly DeployedResource[];
  readonly outputs: Readonly<Record<string, string>>;
}

/** What a resource type's deployer is given. */
export interface ResourceContext {
  readonly logicalId: string;
  /** Name for a resource that the template does not name. */
  readonly defaultName: string;
  /** Folder that local paths start from. */
  readonly folder: string;
  readonly call: Call;
  readonly region: string;
  readonly accountId: string;
}

export interface ResourceResult extends ResolvedResource {
  readonly change: Change;
}

type Deployer = (
  properties: Record<string, Json | undefined>,
  context: ResourceContext,
) => Promise<ResourceResult>;

const DEPLOYERS: Readonly<Record<string, Deployer>> = {
  'AWS::Serverless::Function': deployFunction,
  'AWS::SQS::Queue': deployQueue,
  'AWS::SNS::Topic': deployTopic,
  'AWS::CloudWatch::Alarm': deployAlarm,
};

/** Rejects with a TemplateError that names file, line and column of what could not be understood or made. */
export async function deployTemplate(options: DeployOptions): Promise<Deployment> {
  const file = relative(process.cwd(), options.template) || options.template;
  const text = await readFile(options.template, 'utf8').catch((cause: Error) => {
    throw new TemplateError(file, [{ message: `cannot be read: ${cause.message}` }], { cause });
  });
  const template = readTemplate(file, text);
  const order = planOrder(template);
  const folder = dirname(options.template);
  const stackName = options.stackName ?? stackNameOf(folder);
  const made = new Map<string, ResolvedResource>();
  const scope: Scope = {
    pseudo: {
      'AWS::AccountId': options.accountId,
      'AWS::Region': options.region,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::StackName': stackName,
    },
    resource: (logicalId) => made.get(logicalId),
  };

  const resources: DeployedResource[] = [];
  for (const declaration of order) {
    const result = await deployResource(declaration, {
      file,
      scope,
      context: {
        logicalId: declaration.logicalId,
        defaultName: `${stackName}-${declaration.logicalId}`,
        folder,
        call: options.call,
        region: options.region,
        accountId: options.accountId,
      },
    });
    made.set(declaration.logicalId, result);
    const { logicalId, type } = declaration;
    resources.push({ logicalId, type, physicalId: result.ref, change: result.change });
  }
  const outputs: Record<string, string> = {};
  for (const [name, node] of template.outputs) {
    try {
      outputs[name] = String(resolveNode(node, scope));
    } catch (cause) {
      throw new TemplateError(
        file,
        [{ message: `Outputs.${name}: ${(cause as Error).message}`, at: node.at }],
        { cause },
      );
    }
  }
  return { stackName, resources, outputs };
}

async function deployResource(
  declaration: ResourceDeclaration,
  { file, scope, context }: { file: string; scope: Scope; context: ResourceContext },
): Promise<ResourceResult> {
  try {
    const properties = resolveNode(declaration.properties, scope) as Record<string, Json | undefined>;
    return await (DEPLOYERS[declaration.type] as Deployer)(properties, context);
  } catch (cause) {
    const { name, message } = cause as Error;
    const why = name === 'Error' ? message : `${name}: ${message}`;
    throw new TemplateError(file, [{ message: `${declaration.logicalId}: ${why}`, at: declaration.at }], {
      cause,
    });
  }
}

/** Of the folder's name what a stack name may hold. Source: CreateStack, StackName. */
function stackNameOf(folder: string): string {
  const name = basename(folder)
    .replace(/[^A-Za-z0-9-]+/g, '-')
    .replace(/^[^A-Za-z]+/, '');
  return name === '' ? 'stack' : name;
}
