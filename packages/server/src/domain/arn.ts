/** Amazon Resource Names, taken apart. What the resource part means is the service's business. */
export interface Arn {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  readonly accountId: string;
  /** Everything after the fifth colon. */
  readonly resource: string;
}

/** `undefined` when the text has not the six parts of an ARN. */
export function parseArn(text: string): Arn | undefined {
  const [prefix, partition, service, region, accountId, ...rest] = text.split(':');
  if (prefix !== 'arn' || !partition || !service || rest.length === 0) return undefined;
  return { partition, service, region: region ?? '', accountId: accountId ?? '', resource: rest.join(':') };
}
