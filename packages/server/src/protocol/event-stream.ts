/**
 * Event streams (`application/vnd.amazon.eventstream`): the values of a streaming union, framed one by one as
 * they come. A frame is written when its value arrives, never later.
 */
import type { EventStreamCodec } from '@smithy/core/event-streams';
import type { JsonCodec } from './json-codec.ts';
import type { StructureShape } from './model.ts';
import type { Members } from './wire.ts';

type Header = { type: 'string'; value: string };
const header = (value: string): Header => ({ type: 'string', value });

let codecPromise: Promise<EventStreamCodec> | undefined;

/** Streams are rare and the library takes its time to load: it comes with the first stream. */
function loadFrames(): Promise<EventStreamCodec> {
  codecPromise ??= import('@smithy/core/event-streams').then(
    ({ EventStreamCodec }) =>
      new EventStreamCodec(
        (bytes) => Buffer.from(bytes).toString('utf8'),
        (text) => Buffer.from(text, 'utf8'),
      ),
  );
  return codecPromise;
}

interface EventEncoder {
  readonly messageType: 'event' | 'exception';
  readonly contentType: string;
  readonly body: (value: unknown) => Uint8Array;
}

/**
 * Compiles the union; the result turns `{PayloadChunk: {…}}`-like values into frames. RPC protocols begin with
 * an `initial-response` (Smithy, "Amazon Event Stream specification").
 */
export function encodeEventStream(
  codec: JsonCodec,
  union: StructureShape,
  options: { initialResponse?: boolean } = {},
): (events: AsyncIterable<Members>) => AsyncIterable<Uint8Array> {
  const encoders = new Map<string, EventEncoder>();
  for (const member of union.members) {
    const shape = member.shape as StructureShape;
    const messageType = codec.model.errors.has(shape.name) ? 'exception' : 'event';
    const payload = shape.members.find((each) => each.eventPayload && each.shape.kind === 'blob');
    if (payload) {
      encoders.set(member.name, {
        messageType,
        contentType: 'application/octet-stream',
        body: (value) => {
          const bytes = (value as Members)[payload.name];
          return typeof bytes === 'string' ? Buffer.from(bytes) : ((bytes as Uint8Array) ?? Buffer.alloc(0));
        },
      });
    } else {
      const encode = codec.encoder(shape);
      encoders.set(member.name, {
        messageType,
        contentType: 'application/json',
        body: (value) => Buffer.from(JSON.stringify(encode(value))),
      });
    }
  }

  return async function* (events) {
    const frames = await loadFrames();
    if (options.initialResponse) {
      yield frames.encode({
        headers: {
          ':message-type': header('event'),
          ':event-type': header('initial-response'),
          ':content-type': header('application/json'),
        },
        body: Buffer.from('{}'),
      });
    }
    for await (const event of events) {
      for (const [name, value] of Object.entries(event)) {
        const encoder = encoders.get(name);
        if (!encoder) throw new Error(`stream of ${union.name} has no event ${name}`);
        yield frames.encode({
          headers: {
            ':message-type': header(encoder.messageType),
            [encoder.messageType === 'event' ? ':event-type' : ':exception-type']: header(name),
            ':content-type': header(encoder.contentType),
          },
          body: encoder.body(value),
        });
      }
    }
  };
}
