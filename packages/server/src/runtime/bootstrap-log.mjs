/**
 * What a Node function prints. `console` writes AWS's lines, `process.stdout` and `process.stderr` are replaced,
 * and both go out as frames that name the run they belong to, written before the call returns: nothing is lost
 * when the process dies, and nothing is ascribed to another run. log-reader.ts reads them.
 */
import fs from 'node:fs';
import { Writable } from 'node:stream';
import util from 'node:util';

const STDOUT = 1;
/** One log event, whatever line breaks it holds. */
const RECORD = 1;
/** A piece of a stream: cut into lines by the reader. */
const TEXT = 2;
/** More of the same event follows. */
const CONTINUED = 128;
/** Pieces small enough that the kernel never mixes them with those of a child process. */
const PIECE_BYTES = 16_384;
const LEVELS = { TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, FATAL: 6 };
const HEADER_BYTES = 17;

let nonce = Buffer.alloc(8);
let sequence = 0;
let requestId;
let json = false;
let hidden = [];
const out = Buffer.allocUnsafe(HEADER_BYTES + PIECE_BYTES);
const nap = new Int32Array(new SharedArrayBuffer(4));

export function setLogRun(newSequence, newRequestId) {
  sequence = newSequence;
  requestId = newRequestId;
}

/** `assignment.nonce` is what no other writer to the same descriptors knows. `hidden` are paths to be shown as AWS's. */
export function installLogging(assignment) {
  nonce = Buffer.from(assignment.nonce, 'hex');
  nonce.copy(out, 0);
  json = assignment.logFormat === 'JSON';
  hidden = assignment.hidden;
  const least = LEVELS[process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()] ?? LEVELS.TRACE;
  const at = (level) =>
    LEVELS[level] < least ? () => undefined : (message, ...params) => log(level, message, params);
  console.trace = at('TRACE');
  console.debug = at('DEBUG');
  console.info = at('INFO');
  console.log = console.info;
  console.warn = at('WARN');
  console.error = at('ERROR');
  console.fatal = at('FATAL');
  replaceStream('stdout', 1);
  replaceStream('stderr', 2);
}

function log(level, message, params) {
  const time = new Date().toISOString();
  if (json) frame(RECORD, formatJson(time, level, message, params));
  else frame(RECORD, `${time}\t${requestId}\t${level}\t${util.format(message, ...params)}\n`);
}

function formatJson(timestamp, level, message, params) {
  const entry = { timestamp, level, requestId };
  if (params.length === 0) {
    entry.message = message;
    try {
      return JSON.stringify(entry, (_key, value) => (value instanceof Error ? errorMembers(value) : value));
    } catch {
      entry.message = util.format(message);
      return JSON.stringify(entry);
    }
  }
  entry.message = util.format(message, ...params);
  const error = params.find((param) => param instanceof Error);
  if (error) {
    const { errorType, errorMessage, stackTrace } = errorMembers(error);
    Object.assign(entry, { errorType, errorMessage, stackTrace: stackTrace ?? [] });
  }
  return JSON.stringify(entry);
}

function errorMembers(error) {
  return {
    errorType: error.constructor?.name ?? 'UnknownError',
    errorMessage: shown(error.message),
    stackTrace: typeof error.stack === 'string' ? shown(error.stack).split('\n') : error.stack,
    ...error,
  };
}

/** The line that AWS's runtime prints for an error that ends a run or the process. */
export function logError(title, thrown) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (json) {
    console.error(error);
    return;
  }
  let text;
  try {
    text = JSON.stringify(error, (_key, value) => (value instanceof Error ? textMembers(value) : value));
  } catch {
    text = JSON.stringify(describeError(error));
  }
  console.error(title, `\t${text}`);
}

function textMembers(error) {
  const members = { errorType: error.name, errorMessage: shown(error.message), code: error.code, ...error };
  if (typeof error.stack === 'string') members.stack = shown(error.stack).split('\n');
  return members;
}

/** The error as a caller gets it. Never throws, whatever was thrown. */
export function describeError(error) {
  try {
    if (util.types.isNativeError(error) || error instanceof Error) {
      return {
        errorType: clean(error.name),
        errorMessage: shown(clean(error.message)),
        trace: typeof error.stack === 'string' ? shown(clean(error.stack)).split('\n') : [],
      };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    return {
      errorType: 'handled',
      errorMessage:
        'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
      trace: [],
    };
  }
}

function clean(text) {
  return String(text).replaceAll('\x7F', '%7F');
}

/** Code lies elsewhere here than on AWS; errors read the same, and stay the same from one deployment to the next. */
function shown(text) {
  let result = text;
  for (const [path, name] of hidden) result = result.replaceAll(path, name);
  return result;
}

function frame(kind, text) {
  const size = Buffer.byteLength(text);
  if (size <= PIECE_BYTES) {
    out.write(text, HEADER_BYTES);
    send(kind, size);
    return;
  }
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const end = Math.min(bytes.length, at + PIECE_BYTES);
    bytes.copy(out, HEADER_BYTES, at, end);
    send(end < bytes.length ? kind | CONTINUED : kind, end - at);
  }
}

function send(kind, size) {
  out.writeUInt32LE(sequence, 8);
  out[12] = kind;
  out.writeUInt32LE(size, 13);
  const length = HEADER_BYTES + size;
  for (let at = 0; at < length; ) {
    try {
      at += fs.writeSync(STDOUT, out, at, length - at);
    } catch (error) {
      // Somebody made the descriptor non-blocking and the server is behind.
      if (error.code === 'EAGAIN') Atomics.wait(nap, 0, 0, 1);
      else return;
    }
  }
}

function replaceStream(name, fd) {
  let stream;
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get() {
      if (!stream) {
        stream = new Writable({
          decodeStrings: false,
          write(chunk, encoding, done) {
            frame(
              TEXT,
              typeof chunk === 'string' && encoding !== 'utf8'
                ? Buffer.from(chunk, encoding).toString()
                : String(chunk),
            );
            done();
          },
        });
        stream.fd = fd;
        stream._type = 'pipe';
        stream._isStdio = true;
        stream.destroySoon = stream.destroy;
        stream._destroy = (_error, done) => done();
      }
      return stream;
    },
  });
}
