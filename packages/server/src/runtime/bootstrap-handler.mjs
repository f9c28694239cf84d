/**
 * Finds the handler that a handler string names, in the order and with the errors of AWS's Node runtime client
 * (source: aws-lambda-nodejs-runtime-interface-client).
 */
import fs from 'node:fs';
import module, { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

function runtimeError(type, message, stack) {
  const error = new Error(message);
  error.name = `Runtime.${type}`;
  error.stack = stack ?? error.stack?.replace(/^Error/, error.name);
  return error;
}

/** Resolves with the function and whether it streams its answer. Rejects with what AWS reports as init error. */
export async function loadHandler(taskRoot, handlerString) {
  if (handlerString.includes('..')) {
    throw runtimeError(
      'MalformedHandlerName',
      `'${handlerString}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const name = path.basename(handlerString);
  const folder = handlerString.slice(0, handlerString.indexOf(name));
  const dot = name.indexOf('.');
  if (dot === -1) throw runtimeError('MalformedHandlerName', 'Bad handler');
  const moduleName = name.slice(0, dot);
  const exportPath = name.slice(dot + 1).split('.');

  provideGlobals();
  let found;
  try {
    found = await loadModule(taskRoot, folder, moduleName);
  } catch (error) {
    if (error instanceof SyntaxError) throw runtimeError('UserCodeSyntaxError', String(error), error.stack);
    if (error?.code === 'MODULE_NOT_FOUND') throw runtimeError('ImportModuleError', String(error));
    throw error;
  }
  const handler = pick(found, exportPath) ?? pick(found?.default, exportPath);
  if (!handler) throw runtimeError('HandlerNotFound', `${handlerString} is undefined or not exported`);
  if (typeof handler !== 'function')
    throw runtimeError('HandlerNotFound', `${handlerString} is not a function`);
  const mode = handler[STREAMING];
  if (mode && mode !== 'response') {
    throw runtimeError('MalformedStreamingHandler', 'Only response streaming is supported.');
  }
  return { handler, streaming: mode === 'response' };
}

function pick(value, names) {
  return names.reduce((inner, name) => inner?.[name], value);
}

async function loadModule(taskRoot, folder, moduleName) {
  // NODE_PATH was not in the environment yet when Node looked.
  module.Module._initPaths?.();
  const require = createRequire(import.meta.url);
  const file = path.resolve(taskRoot, folder, moduleName);
  const loadScript = (extension) => require(file + extension);
  const loadModuleFile = (extension) => import(pathToFileURL(file + extension).href);
  const isModule = packageIsModule(path.dirname(file));
  const plain = isModule ? loadModuleFile : loadScript;
  const order = [
    ['', loadScript],
    ['.js', plain],
    ['.mjs', loadModuleFile],
    ['.cjs', loadScript],
    ['.ts', plain],
    ['.mts', loadModuleFile],
    ['.cts', loadScript],
  ];
  for (const [extension, how] of order) if (isFile(file + extension)) return how(extension);
  return require(require.resolve(moduleName, { paths: [taskRoot, path.join(taskRoot, folder)] }));
}

function isFile(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

/** The nearest package.json decides; a node_modules folder ends the search. */
function packageIsModule(folder) {
  for (let at = folder; !at.endsWith('/node_modules'); at = path.dirname(at)) {
    const file = path.join(at, 'package.json');
    if (fs.existsSync(file)) {
      try {
        return JSON.parse(fs.readFileSync(file, 'utf8')).type === 'module';
      } catch (error) {
        console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
        return false;
      }
    }
    if (at === path.dirname(at)) return false;
  }
  return false;
}

/** The `awslambda` global of AWS's runtime: response streaming. */
function provideGlobals() {
  const off = process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA;
  if (off === '1' || off === 'true') return;
  globalThis.awslambda = {
    streamifyResponse(handler, options) {
      handler[STREAMING] = 'response';
      if (typeof options?.highWaterMark === 'number') handler[HIGH_WATER_MARK] = options.highWaterMark;
      return handler;
    },
    HttpResponseStream: {
      from(stream, prelude) {
        stream.setContentType('application/vnd.awslambda.http-integration-response');
        stream.write(JSON.stringify(prelude));
        stream.write(new Uint8Array(8));
        return stream;
      },
    },
  };
}
