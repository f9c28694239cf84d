/**
 * Signs what topics send, with a key of this installation's own, made once and kept in the store. Verifiers fetch the
 * certificate from the URL that every message names, as they do from AWS.
 * Source: "Verifying the signatures of Amazon SNS messages": version 1 is RSA with SHA-1, version 2 with SHA-256.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  sign as signWith,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { Signature } from '../domain/sns-envelope.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { createSelfSignedCertificate } from '../platform/self-signed-certificate.ts';
import type { JsonObject, Store } from '../store/store.ts';

const KEY = { collection: 'sns-signing', key: 'current' } as const;
const KEY_BITS = 2048;
const VALID_MS = 30 * 365 * 86_400_000;
const COMMON_NAME = 'sns.amazonaws.com';

interface SigningKey extends JsonObject {
  /** PEM. */
  privateKey: string;
  certificate: string;
}

export interface TopicSignerDeps {
  readonly store: Pick<Store, 'commit' | 'resources'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Where this server is reached. */
  readonly endpoint: () => string;
}

const ALGORITHMS = { '1': 'RSA-SHA1', '2': 'RSA-SHA256' } as const;
const signAsync = promisify(signWith);

export class TopicSigner {
  /** PEM. */
  readonly certificate: string;
  /** Path under which the certificate is served. */
  readonly certificatePath: string;
  readonly #key: KeyObject;
  readonly #endpoint: () => string;

  private constructor(key: SigningKey, endpoint: () => string) {
    this.certificate = key.certificate;
    this.#key = createPrivateKey(key.privateKey);
    this.#endpoint = endpoint;
    const name = createHash('sha256').update(key.certificate).digest('hex').slice(0, 32);
    this.certificatePath = `/SimpleNotificationService-${name}.pem`;
  }

  static async open(deps: TopicSignerDeps): Promise<TopicSigner> {
    const { store } = deps;
    for (;;) {
      const stored = store.resources.get<SigningKey>(KEY.collection, KEY.key);
      if (stored) return new TopicSigner(stored.value, deps.endpoint);
      const value = await createKey(deps);
      // A conflict: another node has made one in the meantime, and that one counts.
      await store.commit([{ kind: 'put', ...KEY, value, ifVersion: 0 }]);
    }
  }

  /** Signs beside the event loop: a signature takes half a millisecond of a core. */
  async sign(text: string, version: Signature['version']): Promise<Signature> {
    const value = await signAsync(ALGORITHMS[version], Buffer.from(text), this.#key);
    return {
      version,
      value: value.toString('base64'),
      certificateUrl: this.#endpoint() + this.certificatePath,
    };
  }
}

/** Keys come from the system's own source of chance: a seeded one would repeat secrets. */
async function createKey({ clock, random }: TopicSignerDeps): Promise<SigningKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: KEY_BITS });
  const now = clock.now();
  const certificate = createSelfSignedCertificate({
    privateKey,
    publicKey: createPublicKey(privateKey),
    commonName: COMMON_NAME,
    // Verifiers on a machine whose clock is a little behind still accept it.
    notBefore: now - 86_400_000,
    notAfter: now + VALID_MS,
    serial: random.bytes(8),
  });
  return { privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), certificate };
}
