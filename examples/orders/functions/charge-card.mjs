/**
 * Charges a card at a payment provider that is down at first.
 *
 * How often the provider has been asked is kept in a file named after the request id, which all attempts of one
 * event share. The file lies in the environment's own temporary folder, as it would on AWS. An environment that
 * was replaced in between forgets it: the provider is then down once more, and the last retry still succeeds.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

class PaymentProviderDown extends Error {
  name = 'PaymentProviderDown';
}

export async function handler(order, context) {
  const file = join(tmpdir(), `attempts-${context.awsRequestId}`);
  const before = Number(await readFile(file, 'utf8').catch(() => '0'));
  if (before < Number(process.env.FAILURES ?? 1)) {
    await writeFile(file, String(before + 1));
    throw new PaymentProviderDown('the payment provider answered 503');
  }
  // The request id is the idempotency key: a provider that sees it again does not charge again.
  console.log(`charging order ${order.id} with idempotency key ${context.awsRequestId}`);
  return { orderId: order.id, charged: true, after: before };
}
