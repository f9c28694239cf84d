/** An ARN as a link to the page of what it names, where there is one. */
import { Tooltip } from '@mantine/core';
import { nameOfArn } from './format.ts';
import { To } from './parts.tsx';

export function TargetLink({ arn }: { readonly arn: string }) {
  const service = arn.split(':')[2];
  const name = nameOfArn(arn);
  const href = {
    sqs: `/queues/${name}`,
    lambda: `/functions/${name.split(':')[0]}`,
    sns: '/topics',
    cloudwatch: `/alarms?name=${encodeURIComponent(name)}`,
  }[service ?? ''];
  return (
    <Tooltip label={arn}>
      <span>{href === undefined ? name : <To href={href}>{name}</To>}</span>
    </Tooltip>
  );
}
