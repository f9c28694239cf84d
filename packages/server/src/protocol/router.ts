/**
 * Which service and operation a request means, in the ways AWS clients say it: `X-Amz-Target`, the path of
 * RPC v2, the path of a REST service, `Action` in a form or in the query. What is none of these is not for AWS.
 */
import { isUtf8 } from 'node:buffer';
import { DIALECTS } from './dialect.ts';
import { ApiError } from './error.ts';
import { addParameters, type Form, parameter } from './form.ts';
import { serializationError } from './json-codec.ts';
import { PathTree } from './lambda-paths.ts';
import { loadModel } from './model.ts';
import type { ServiceName } from './operation.ts';
import { unknownPath } from './rest-json.ts';
import type { Credential } from './sigv4-authorization.ts';
import type { WireName } from './wire.ts';

export interface OperationRoute {
  readonly kind: 'operation';
  readonly service: ServiceName;
  readonly operation: string;
  readonly wire: WireName;
  readonly labels?: readonly string[];
  readonly form?: Form;
}
export interface RefusedRoute {
  readonly kind: 'refused';
  /** Whose way of writing errors to use. */
  readonly service: ServiceName;
  readonly wire: WireName;
  readonly error: ApiError;
}
export type Route =
  | OperationRoute
  | RefusedRoute
  /** The query protocol: `routeForm` decides once the body is there. */
  | { readonly kind: 'form' }
  /** Not for AWS. */
  | { readonly kind: 'fallback' };

export interface RoutedRequest {
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

const ALL: readonly ServiceName[] = ['lambda', 'sqs', 'sns', 'logs', 'cloudwatch'];
const DATED_PATH = /^\/20\d\d-\d\d-\d\d\//;
const RPC_PATH = /^\/service\/([^/]+)\/operation\/([^/]+)$/;
/** Where AWS clients post forms: the root, or the path of a queue's URL. */
const FORM_PATH = /^\/$|^\/(?:queue\/)?\d{12}\/[^/]+\/?$/;
const FUNCTION_URL_HOST = /^[a-z0-9-]+\.lambda-url\./i;

const byTarget = new Map(ALL.map((name) => [loadModel(name).target, name]));
const bySigningName = new Map(ALL.map((name) => [DIALECTS[name].signingName, name]));
const QUERY_SERVICES = ALL.filter((name) => DIALECTS[name].wires.includes('query'));
const byVersion = new Map(QUERY_SERVICES.map((name) => [loadModel(name).version, name]));
const restPaths = new PathTree(loadModel('lambda').operations.values());

/** First step, from the head of the request alone. */
export function routeHead(request: RoutedRequest, credential: Credential | undefined): Route {
  const { path, headers } = request;
  if (path.startsWith('/_redrive') || path === '/metrics') return { kind: 'fallback' };
  const host = headers.host;
  if (typeof host === 'string' && FUNCTION_URL_HOST.test(host)) return { kind: 'fallback' };

  const target = headers['x-amz-target'];
  if (typeof target === 'string') return routeTarget(target);
  if (DATED_PATH.test(path)) {
    const match = restPaths.match(request.method, path, request.search);
    if (!match) return refused('lambda', 'rest-json', unknownPath(request.method, path));
    return { kind: 'operation', service: 'lambda', wire: 'rest-json', ...match };
  }
  const rpc = RPC_PATH.exec(path);
  if (rpc) return routeTarget(`${rpc[1]}.${rpc[2]}`, 'cbor');
  if (isForm(request)) return { kind: 'form' };
  if (!credential) return { kind: 'fallback' };
  return refuseSigned(request, credential);
}

function routeTarget(target: string, wire: 'json' | 'cbor' = 'json'): Route {
  const dot = target.lastIndexOf('.');
  const service = byTarget.get(target.slice(0, dot));
  const operation = target.slice(dot + 1);
  if (dot === -1 || !service) {
    return refused('sqs', 'json', unknownOperation(`No service of this server has the target '${target}'.`));
  }
  const { wires } = DIALECTS[service];
  if (!wires.includes(wire)) {
    return refused('sqs', 'json', unknownOperation(`${service} does not speak this protocol.`));
  }
  return known(service, wire, operation);
}

function known(service: ServiceName, wire: WireName, operation: string): OperationRoute | RefusedRoute {
  if (loadModel(service).operations.has(operation)) return { kind: 'operation', service, wire, operation };
  const message =
    wire === 'query'
      ? `The action ${operation} is not valid for this endpoint.`
      : `${service} has no operation ${operation}.`;
  return refused(service, wire, unknownOperation(message));
}

function isForm({ method, path, search, headers }: RoutedRequest): boolean {
  if (!FORM_PATH.test(path)) return false;
  if (/(?:^|&)Action=/.test(search)) return method === 'POST' || method === 'GET';
  const type = headers['content-type'];
  return (
    method === 'POST' && typeof type === 'string' && type.startsWith('application/x-www-form-urlencoded')
  );
}

/** Signed for AWS, yet in no form that a service of ours understands. */
function refuseSigned({ method, path }: RoutedRequest, credential: Credential): Route {
  const service = bySigningName.get(credential.service);
  if (!service) {
    return refused('sqs', 'json', unknownOperation(`This server does not offer '${credential.service}'.`));
  }
  const wire = DIALECTS[service].wires[0]!;
  if (wire === 'rest-json') return refused(service, wire, unknownPath(method, path));
  return refused(service, wire, unknownOperation(`The request to ${service} names no operation.`));
}

/** Second step of the query protocol. `origin` completes the URL of a queue that is named by the path. */
export function routeForm(
  request: RoutedRequest,
  body: Buffer,
  credential: Credential | undefined,
  origin: string,
): OperationRoute | RefusedRoute {
  const form: Form = {};
  try {
    if (!isUtf8(body)) throw serializationError('Invalid UTF-8');
    if (body.length > 0) addParameters(form, body.toString('utf8'));
    if (request.search !== '') addParameters(form, request.search);
  } catch (error) {
    if (error instanceof ApiError) return refused(serviceOfForm(request, form, credential), 'query', error);
    throw error;
  }
  const service = serviceOfForm(request, form, credential);
  const action = parameter(form, 'Action');
  if (action === undefined || action === '') {
    return refused(
      service,
      'query',
      new ApiError('MissingActionException', 'The request must contain the parameter Action.'),
    );
  }
  const scoped = credential && bySigningName.get(credential.service);
  if (credential && scoped === undefined) {
    return refused(
      service,
      'query',
      unknownOperation(`This server does not offer '${credential.service}' (action ${action}).`),
    );
  }
  const route = known(service, 'query', action);
  if (route.kind !== 'operation') return route;
  // A queue named by the path (SQS Developer Guide, "Making Query API requests").
  if (service === 'sqs' && request.path !== '/' && parameter(form, 'QueueUrl') === undefined) {
    form.children!.set('QueueUrl', { value: `${origin}${request.path}` });
  }
  return { ...route, form };
}

function serviceOfForm({ path }: RoutedRequest, form: Form, credential: Credential | undefined): ServiceName {
  const scoped = credential && bySigningName.get(credential.service);
  if (scoped && QUERY_SERVICES.includes(scoped)) return scoped;
  const version = byVersion.get(parameter(form, 'Version') ?? '');
  if (version) return version;
  if (path !== '/') return 'sqs';
  const action = parameter(form, 'Action') ?? '';
  return QUERY_SERVICES.find((name) => loadModel(name).operations.has(action)) ?? 'sqs';
}

function unknownOperation(message: string): ApiError {
  return new ApiError('UnknownOperationException', message);
}

function refused(service: ServiceName, wire: WireName, error: ApiError): RefusedRoute {
  return { kind: 'refused', service, wire, error };
}
