/** How far a redrive or discard has come, and the ways to hold it. */
import { Button, Group, Progress, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useMayAct } from './account.tsx';
import { type Job, post } from './api.ts';
import { count, nameOfArn } from './format.ts';
import { Failure, Tag, Time, To } from './parts.tsx';

const COLORS: Readonly<Record<Job['status'], string>> = {
  Running: 'blue',
  Paused: 'yellow',
  Stopped: 'orange',
  Completed: 'green',
  Failed: 'red',
};

export function JobProgress({ job }: { readonly job: Job }) {
  const client = useQueryClient();
  const mayAct = useMayAct();
  const change = useMutation({
    mutationFn: (what: 'pause' | 'resume' | 'stop') => post<Job>(`jobs/${job.jobId}/${what}`),
    onSettled: () => client.invalidateQueries({ queryKey: ['jobs'] }),
  });
  const left = job.skipped + Object.values(job.refused).reduce((sum, n) => sum + n, 0);
  const percent = job.total === 0 ? 100 : Math.min(100, (100 * (job.moved + left)) / job.total);
  const facts = [
    `${count(job.moved)} of ${count(job.total)} ${job.action === 'discard' ? 'discarded' : 'sent again'}`,
    job.succeeded > 0 && `${count(job.succeeded)} succeeded`,
    job.failed > 0 && `${count(job.failed)} failed again`,
    job.watching > 0 && `${count(job.watching)} under way`,
    left > 0 && `${count(left)} left where they were`,
  ].filter(Boolean);
  return (
    <Stack gap={6} p="sm">
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <Tag color={COLORS[job.status]}>{job.status}</Tag>
          <Text size="sm" component="div">
            {job.action === 'discard' ? 'Discard' : 'Redrive'} of {selectionText(job)} in{' '}
            <To href={`/dead-letters/${job.queue}`}>{job.queue}</To>
            {job.target && ` to ${nameOfArn(job.target)}`}
            {job.qualifier && ` on ${job.qualifier}`}
          </Text>
        </Group>
        <Group gap={6}>
          {job.status === 'Running' && (
            <Button
              size="compact-sm"
              variant="default"
              disabled={!mayAct}
              onClick={() => change.mutate('pause')}
            >
              Pause
            </Button>
          )}
          {(job.status === 'Paused' || job.status === 'Stopped') && (
            <Button
              size="compact-sm"
              variant="default"
              disabled={!mayAct}
              onClick={() => change.mutate('resume')}
            >
              Go on
            </Button>
          )}
          {(job.status === 'Running' || job.status === 'Paused') && (
            <Button
              size="compact-sm"
              variant="default"
              disabled={!mayAct}
              onClick={() => change.mutate('stop')}
            >
              Stop
            </Button>
          )}
        </Group>
      </Group>
      <Progress
        value={percent}
        color={COLORS[job.status]}
        aria-label={`Progress: ${facts[0]}`}
        animated={job.status === 'Running'}
      />
      <Text size="sm" className="muted" component="div">
        {facts.join(' · ')} · by {job.by}, <Time at={job.startedAt} />
        {job.reason && ` · ${job.reason}`}
      </Text>
      {job.statusReason && <Text size="sm">{job.statusReason}</Text>}
      {Object.entries(job.refused).map(([reason, n]) => (
        <Text size="sm" key={reason}>
          {count(n)} stay: {reason}
        </Text>
      ))}
      <Failure error={change.error} />
    </Stack>
  );
}

function selectionText({ selection }: Job): string {
  switch (selection.kind) {
    case 'all':
      return 'all letters';
    case 'group':
      return `group ${selection.fingerprint}`;
    case 'messages':
      return selection.refs.length === 1 ? 'one letter' : `${selection.refs.length} letters`;
  }
}
