/**
 * A self-signed X.509 certificate around an RSA key: what verifiers of signed notifications fetch. node:crypto reads
 * certificates but makes none, and the libraries that do bring twenty packages for these few bytes of DER.
 * Source: RFC 5280, section 4.1.
 */
import { createSign, type KeyObject } from 'node:crypto';

export interface CertificateRequest {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly commonName: string;
  /** Epoch ms. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** At most 20 bytes. */
  readonly serial: Buffer;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const NULL = 0x05;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
/** Context-specific, constructed, number 0: the version. */
const VERSION_TAG = 0xa0;
const X509_V3 = 2;

/** 1.2.840.113549.1.1.11 (sha256WithRSAEncryption) and 2.5.4.3 (commonName), encoded. */
const SHA256_WITH_RSA = Buffer.from('2a864886f70d01010b', 'hex');
const COMMON_NAME = Buffer.from('550403', 'hex');

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Buffer.of(tag, content.length), content]);
  const length = Buffer.from(content.length.toString(16).padStart(content.length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.of(tag, 0x80 | length.length), length, content]);
}

/** `20300101000000Z` */
function time(at: number): Buffer {
  const text = new Date(at).toISOString().replace(/[-:T]/g, '').replace(/\.\d+/, '');
  return der(GENERALIZED_TIME, Buffer.from(text, 'latin1'));
}

/** PEM. */
export function createSelfSignedCertificate(request: CertificateRequest): string {
  const algorithm = der(SEQUENCE, der(OBJECT_ID, SHA256_WITH_RSA), der(NULL));
  const name = der(
    SEQUENCE,
    der(SET, der(SEQUENCE, der(OBJECT_ID, COMMON_NAME), der(UTF8_STRING, Buffer.from(request.commonName)))),
  );
  // The first byte keeps the number positive.
  const serial = der(INTEGER, Buffer.of(0x01), request.serial);
  const body = der(
    SEQUENCE,
    der(VERSION_TAG, der(INTEGER, Buffer.of(X509_V3))),
    serial,
    algorithm,
    name,
    der(SEQUENCE, time(request.notBefore), time(request.notAfter)),
    name,
    request.publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = createSign('sha256').update(body).sign(request.privateKey);
  const certificate = der(SEQUENCE, body, algorithm, der(BIT_STRING, Buffer.of(0), signature));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
