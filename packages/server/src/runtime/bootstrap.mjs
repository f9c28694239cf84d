/**
 * Runs a Node handler in a process of its own. The other end is frames.ts: what is said there of both sides
 * holds here. Started by any Node from 18 on, so plain JavaScript and no dependency.
 *
 * Between runs the process waits in a blocking read: as on AWS it is frozen, timers and all, until the next run.
 */
import fs from 'node:fs';
import { loadHandler } from './bootstrap-handler.mjs';
import { describeError, installLogging, logError, setLogRun } from './bootstrap-log.mjs';

const INBOUND = 3;
const OUTBOUND = 4;
const ASSIGN = 1;
const RUN = 2;
const READY = 1;
const INIT_ERROR = 2;
const BEGIN = 3;
const END = 4;
const FORGOT = 5;
const END_ERROR = 1;
const END_NEXT_BEGINS = 2;
const END_EXITS = 4;
const END_FORGETS = 8;
const END_TOO_LARGE = 16;
const SLOW_RUN_MS = 20;
/** AWS: Lambda quotas, 6 MB and a little. */
const MAX_RESPONSE_BYTES = 6_291_556;
/** Reading one's own memory costs more than a short run. */
const RSS_EVERY_MS = 50;
/** Exit codes of AWS's runtime client. */
const EXIT_UNCAUGHT = 129;
const EXIT_UNHANDLED_REJECTION = 128;
/** What Node itself exits with when a top-level await never settles. */
const EXIT_UNSETTLED = 13;

const NODE_EXIT =
  'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise ' +
  'that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes';
const CALLBACKS_REMOVED =
  'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need ' +
  'to modify this function to use a supported handler signature to use Node.js 24 or later. For more information ' +
  'see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';

// --- The socket -------------------------------------------------------------------------------------------

const INBOX_BYTES = 65_536;
let inbox = Buffer.allocUnsafe(INBOX_BYTES);
let inboxStart = 0;
let inboxEnd = 0;
const outbox = Buffer.allocUnsafe(65_536);
const nap = new Int32Array(new SharedArrayBuffer(4));

function writeAll(fd, bytes, length) {
  for (let at = 0; at < length; ) {
    try {
      at += fs.writeSync(fd, bytes, at, length - at);
    } catch (error) {
      if (error.code === 'EAGAIN') Atomics.wait(nap, 0, 0, 1);
      // The server is gone; there is nobody to work for.
      else process.reallyExit(1);
    }
  }
}

/** Waits for more bytes. The server closing its end is the order to go. */
function readMore() {
  if (inboxEnd === inbox.length) {
    const room = inboxStart > 0 ? inbox : Buffer.allocUnsafe(inbox.length * 2);
    inbox.copy(room, 0, inboxStart, inboxEnd);
    inboxEnd -= inboxStart;
    inboxStart = 0;
    inbox = room;
  }
  for (;;) {
    try {
      const got = fs.readSync(INBOUND, inbox, inboxEnd, inbox.length - inboxEnd, null);
      if (got === 0) process.reallyExit(0);
      inboxEnd += got;
      return;
    } catch (error) {
      if (error.code === 'EAGAIN') Atomics.wait(nap, 0, 0, 1);
      else if (error.code !== 'EINTR') process.reallyExit(1);
    }
  }
}

/** A complete frame in the inbox, or undefined. The result is a copy in strings and numbers. */
function takeFrame() {
  if (inboxEnd - inboxStart < 4) return undefined;
  const length = inbox.readUInt32LE(inboxStart);
  const start = inboxStart + 4;
  if (inboxEnd - start < length) {
    if (inbox.length - inboxStart < length + 4) {
      const room = Buffer.allocUnsafe(Math.max(length + 4, INBOX_BYTES));
      inbox.copy(room, 0, inboxStart, inboxEnd);
      inboxEnd -= inboxStart;
      inboxStart = 0;
      inbox = room;
    }
    return undefined;
  }
  const end = start + length;
  const frame = decodeFrame(start, end);
  inboxStart = end;
  if (inboxStart === inboxEnd) {
    inboxStart = 0;
    inboxEnd = 0;
    // Do not keep megabytes for ever because of one large event.
    if (inbox.length > INBOX_BYTES) inbox = Buffer.allocUnsafe(INBOX_BYTES);
  }
  return frame;
}

function decodeFrame(start, end) {
  if (inbox[start] === ASSIGN) return { type: ASSIGN, ...JSON.parse(inbox.toString('utf8', start + 1, end)) };
  const headEnd = start + 17 + inbox.readUInt32LE(start + 13);
  const head = inbox.toString('utf8', start + 17, headEnd);
  const a = head.indexOf('\n');
  const b = head.indexOf('\n', a + 1);
  const c = head.indexOf('\n', b + 1);
  return {
    type: RUN,
    sequence: inbox.readUInt32LE(start + 1),
    epoch: inbox.readUInt32LE(start + 5),
    timeoutMs: inbox.readUInt32LE(start + 9),
    requestId: head.slice(0, a),
    arn: head.slice(a + 1, b),
    trace: head.slice(b + 1, c),
    clientContext: head.slice(c + 1),
    payload: inbox.toString('utf8', headEnd, end),
  };
}

function sendSmall(type, number) {
  outbox.writeUInt32LE(5, 0);
  outbox[4] = type;
  outbox.writeUInt32LE(number, 5);
  writeAll(OUTBOUND, outbox, 9);
}

function sendInitError(error) {
  const body = Buffer.from(JSON.stringify(error));
  const bytes = Buffer.allocUnsafe(5 + body.length);
  bytes.writeUInt32LE(1 + body.length, 0);
  bytes[4] = INIT_ERROR;
  body.copy(bytes, 5);
  writeAll(OUTBOUND, bytes, bytes.length);
}

const END_BYTES = 22;

function sendEnd(run, flags, payload) {
  let bytes = outbox;
  if (payload.length * 3 > outbox.length - END_BYTES) {
    const size = Buffer.byteLength(payload);
    if (size > MAX_RESPONSE_BYTES && !(flags & END_ERROR)) {
      flags |= END_TOO_LARGE;
      payload = '';
    } else bytes = Buffer.allocUnsafe(size + END_BYTES);
  }
  const length = END_BYTES + bytes.write(payload, END_BYTES);
  bytes.writeUInt32LE(length - 4, 0);
  bytes[4] = END;
  bytes.writeUInt32LE(run.sequence, 5);
  const now = performance.now();
  const tookMs = now - run.beganAt;
  // Counted from the announcement, which is what the server sees, not from the handler's begin.
  const since = announcedAt;
  if (now - since >= SLOW_RUN_MS) {
    flags |= END_FORGETS;
    epoch++;
  } else if (!(flags & END_EXITS) && peekRun()) flags |= END_NEXT_BEGINS;
  announcedAt = now;
  bytes[9] = flags;
  bytes.writeDoubleLE(tookMs, 10);
  let rssKb = 0;
  if (now - rssReadAt >= RSS_EVERY_MS) {
    rssReadAt = now;
    rssKb = Math.round(process.memoryUsage.rss() / 1024);
  }
  bytes.writeUInt32LE(rssKb, 18);
  writeAll(OUTBOUND, bytes, length);
  // The processor may have been elsewhere since `now`, and the server may have drawn its conclusions.
  if (!(flags & END_FORGETS) && performance.now() - since >= SLOW_RUN_MS) {
    epoch++;
    upcoming = undefined;
    sendSmall(FORGOT, 0);
  }
}

// --- Runs -------------------------------------------------------------------------------------------------

let epoch = 0;
let rssReadAt = Number.NEGATIVE_INFINITY;
let upcoming;
/** The server knows already that the next run begins. */
let announced = false;
let announcedAt = 0;
let trace;

/** The next run if it has arrived; runs of an older epoch were taken back by the server. */
function peekRun() {
  while (!upcoming) {
    const frame = takeFrame();
    if (!frame) return undefined;
    if (frame.epoch === epoch) upcoming = frame;
  }
  return upcoming;
}

function nextRun() {
  const known = peekRun() !== undefined && announced;
  while (!peekRun()) readMore();
  const run = upcoming;
  upcoming = undefined;
  if (!known) {
    announcedAt = performance.now();
    sendSmall(BEGIN, run.sequence);
  }
  return run;
}

let assignment;
let handler;
let streaming = false;
let acceptsCallbacks = true;
let isAsync = false;
let onEmptyLoop;
let onFatal;
let ended = true;

function loop() {
  const run = nextRun();
  announced = false;
  ended = false;
  run.beganAt = performance.now();
  setLogRun(run.sequence, run.requestId);
  if (run.trace !== trace) {
    trace = run.trace;
    if (trace) process.env._X_AMZN_TRACE_ID = trace;
    else delete process.env._X_AMZN_TRACE_ID;
  }
  onFatal = (error, exitCode) => {
    finish(run, END_ERROR | END_EXITS, JSON.stringify(describeError(error)), exitCode);
  };
  try {
    if (streaming) runStreaming(run);
    else if (acceptsCallbacks) runWithCallbacks(run);
    else runPromised(run);
  } catch (error) {
    fail(run, error);
  }
}

function finish(run, flags, payload, exitCode) {
  if (ended) return;
  ended = true;
  onEmptyLoop = undefined;
  sendEnd(run, flags, payload);
  if (exitCode !== undefined) process.exit(exitCode);
  announced = upcoming !== undefined;
  setImmediate(loop);
}

function succeed(run, result) {
  if (ended) return;
  let payload;
  try {
    payload = JSON.stringify(result === undefined ? null : result) ?? 'null';
  } catch {
    const error = new Error('Unable to stringify response body');
    if (!acceptsCallbacks) error.name = 'Runtime.JSONStringifyError';
    fail(run, error);
    return;
  }
  finish(run, 0, payload);
}

function fail(run, error) {
  if (ended) return;
  logError('Invoke Error', error);
  finish(run, END_ERROR, JSON.stringify(describeError(error)));
}

/** Node 24 and later: the handler's value, or its promise's, is the answer. */
function runPromised(run) {
  onEmptyLoop = () => fail(run, nodeExit());
  const result = handler(JSON.parse(run.payload), contextOf(run));
  if (typeof result?.then === 'function') {
    result.then(
      (value) => succeed(run, value),
      (error) => fail(run, error),
    );
  } else succeed(run, result);
}

/** Up to Node 22: callback, context.done and its kin, or a promise; a plain value means nothing. */
function runWithCallbacks(run) {
  let called = false;
  let waitsForEmptyLoop = true;
  const once = (fn) => (a, b) => {
    if (called) return;
    called = true;
    fn(a, b);
  };
  const settle = (error, result) => {
    if (error !== undefined && error !== null) fail(run, error);
    else succeed(run, result);
  };
  const done = once(settle);
  const context = contextOf(run);
  Object.defineProperty(context, 'callbackWaitsForEmptyEventLoop', {
    enumerable: true,
    configurable: true,
    get: () => waitsForEmptyLoop,
    set: (value) => {
      waitsForEmptyLoop = value;
    },
  });
  context.succeed = (result) => done(null, result);
  context.fail = (error) => done(error ?? 'handled');
  context.done = done;
  const callback = once((error, result) => {
    if (error !== undefined && error !== null) fail(run, error);
    else if (!waitsForEmptyLoop) succeed(run, result);
    else onEmptyLoop = () => succeed(run, result);
  });
  // A handler that forgot its callback has, for AWS, succeeded with null; an async one has failed.
  onEmptyLoop = () => (isAsync ? fail(run, nodeExit()) : succeed(run, null));
  const result = handler(JSON.parse(run.payload), context, callback);
  if (typeof result?.then === 'function') result.then(context.succeed, context.fail);
}

/** awslambda.streamifyResponse: what is written is the answer. */
function runStreaming(run) {
  const chunks = [];
  const stream = new streaming.Writable({
    write(chunk, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  stream.setContentType = () => undefined;
  onEmptyLoop = () => fail(run, nodeExit());
  const finished = new Promise((resolve, reject) => {
    stream.on('finish', resolve);
    stream.on('error', reject);
  });
  const result = handler(JSON.parse(run.payload), stream, contextOf(run));
  if (typeof result?.then !== 'function') {
    fail(run, 'Streaming does not support non-async handlers.');
    return;
  }
  result
    .then(() => {
      if (!stream.writableEnded) throw new Error('Response stream is not finished.');
      return finished;
    })
    .then(
      () => finish(run, 0, Buffer.concat(chunks).toString('utf8')),
      (error) => fail(run, error),
    );
}

function nodeExit() {
  const error = new Error(NODE_EXIT);
  error.name = 'Runtime.NodeJsExit';
  return error;
}

function contextOf(run) {
  const deadline = run.beganAt + run.timeoutMs;
  const env = assignment.context;
  return {
    functionName: env.functionName,
    functionVersion: env.functionVersion,
    invokedFunctionArn: run.arn,
    memoryLimitInMB: env.memoryLimitInMB,
    awsRequestId: run.requestId,
    logGroupName: env.logGroupName,
    logStreamName: env.logStreamName,
    identity: undefined,
    clientContext: run.clientContext === '' ? undefined : JSON.parse(run.clientContext),
    getRemainingTimeInMillis: () => Math.round(deadline - performance.now()),
  };
}

// --- Life -------------------------------------------------------------------------------------------------

process.on('uncaughtException', (error) => {
  logError('Uncaught Exception', error);
  dieOf(error, EXIT_UNCAUGHT);
});
process.on('unhandledRejection', (reason) => {
  const error = new Error(String(reason));
  error.name = 'Runtime.UnhandledPromiseRejection';
  error.stack = `${error.name}: ${error.message}${error.stack?.slice(error.stack.indexOf('\n')) ?? ''}`;
  error.reason = reason;
  logError('Unhandled Promise Rejection', error);
  dieOf(error, EXIT_UNHANDLED_REJECTION);
});
process.on('beforeExit', () => {
  if (!handler) process.exitCode = EXIT_UNSETTLED;
  else if (onEmptyLoop) {
    const act = onEmptyLoop;
    onEmptyLoop = undefined;
    setImmediate(act);
  }
});

function dieOf(error, exitCode) {
  if (!handler) sendInitError(describeError(error));
  else if (!ended) onFatal(error, exitCode);
  process.exit(exitCode);
}

function takeAssignment() {
  for (;;) {
    const frame = takeFrame();
    if (frame) return frame;
    readMore();
  }
}

process.argv.length = 2;
assignment = takeAssignment();
if (assignment.environment) {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, assignment.environment);
}
installLogging(assignment);
let loaded;
try {
  process.chdir(assignment.taskRoot);
  loaded = await loadHandler(assignment.taskRoot, process.env._HANDLER ?? '');
  acceptsCallbacks = assignment.acceptsCallbacks;
  if (!acceptsCallbacks && loaded.handler.length >= 3 && !loaded.streaming) {
    const error = new Error(CALLBACKS_REMOVED);
    error.name = 'Runtime.CallbackHandlerDeprecated';
    throw error;
  }
} catch (error) {
  logError('Uncaught Exception', error);
  sendInitError(describeError(error));
  process.exit(EXIT_UNCAUGHT);
}
handler = loaded.handler;
isAsync = handler.constructor?.name === 'AsyncFunction';
if (loaded.streaming) streaming = await import('node:stream');
sendSmall(READY, Math.round(process.memoryUsage.rss() / 1024));
setImmediate(loop);
