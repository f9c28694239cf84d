/** Redrive and discard, asked for in dialogs: what, where to, how fast, and when to stop. */
import { Button, Group, Modal, NumberInput, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useMayAct } from './account.tsx';
import { type Job, post, type Selection } from './api.ts';
import { count } from './format.ts';
import { Failure } from './parts.tsx';

interface Props {
  readonly queue: string;
  readonly selection: Selection;
  /** How many letters it is about. */
  readonly letters: number;
  /** What they are, in the title of the dialog. */
  readonly what: string;
  readonly onStarted?: (job: Job) => void;
  readonly size?: string;
}

export function RedriveButton({ queue, selection, letters, what, onStarted, size }: Props) {
  const mayAct = useMayAct();
  const [opened, { open, close }] = useDisclosure();
  const [rate, setRate] = useState<number | string>('');
  const [brake, setBrake] = useState(letters > 1);
  const [limit, setLimit] = useState<number | string>(20);
  const [target, setTarget] = useState('');
  const [qualifier, setQualifier] = useState('');
  const client = useQueryClient();
  const start = useMutation({
    mutationFn: () =>
      post<Job>(`dead-letters/${queue}/redrive`, {
        selection,
        ratePerSecond: rate === '' ? undefined : Number(rate),
        stopAboveFailureRate: brake ? Number(limit) / 100 : undefined,
        target: target.trim() || undefined,
        qualifier: qualifier.trim() || undefined,
      }),
    onSuccess: (job) => {
      close();
      void client.invalidateQueries({ queryKey: ['jobs'] });
      onStarted?.(job);
    },
  });
  return (
    <>
      <Button size={size} disabled={!mayAct || letters === 0} onClick={open}>
        Redrive…
      </Button>
      <Modal opened={opened} onClose={close} title={`Redrive ${what}`}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            start.mutate();
          }}
        >
          <Stack>
            <Text size="sm">
              {letters === 1 ? 'The letter goes' : `${count(letters)} letters go`} back to where{' '}
              {letters === 1 ? 'it' : 'they'} came from, each in one step: nothing is lost and nothing is sent
              twice.
            </Text>
            {letters > 1 && (
              <>
                <NumberInput
                  label="Letters a second"
                  placeholder="as fast as they go"
                  min={0.1}
                  value={rate}
                  onChange={setRate}
                />
                <Switch
                  label="Stop by itself when too many fail again"
                  checked={brake}
                  onChange={(event) => setBrake(event.currentTarget.checked)}
                />
                {brake && (
                  <NumberInput
                    label="Stop above this share of failures"
                    suffix=" %"
                    min={0}
                    max={100}
                    value={limit}
                    onChange={setLimit}
                  />
                )}
              </>
            )}
            <TextInput
              label="Version or alias"
              placeholder="the one that failed"
              value={qualifier}
              onChange={(event) => setQualifier(event.currentTarget.value)}
            />
            <TextInput
              label="Another target"
              description="ARN of a queue or function"
              placeholder="where they came from"
              value={target}
              onChange={(event) => setTarget(event.currentTarget.value)}
            />
            <Failure error={start.error} />
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button type="submit" loading={start.isPending} data-autofocus>
                Redrive {letters === 1 ? 'it' : count(letters)}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}

export function DiscardButton({ queue, selection, letters, what, onStarted, size }: Props) {
  const mayAct = useMayAct();
  const [opened, { open, close }] = useDisclosure();
  const [reason, setReason] = useState('');
  const client = useQueryClient();
  const start = useMutation({
    mutationFn: () => post<Job>(`dead-letters/${queue}/discard`, { selection, reason }),
    onSuccess: (job) => {
      close();
      void client.invalidateQueries({ queryKey: ['jobs'] });
      onStarted?.(job);
    },
  });
  return (
    <>
      <Button size={size} variant="default" disabled={!mayAct || letters === 0} onClick={open}>
        Discard…
      </Button>
      <Modal opened={opened} onClose={close} title={`Discard ${what}`}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            start.mutate();
          }}
        >
          <Stack>
            <Text size="sm">
              {letters === 1 ? 'The letter is' : `${count(letters)} letters are`} removed from the queue for
              good. Export them first to keep a copy.
            </Text>
            <Textarea
              label="Why"
              description="Kept in the audit trail and on the timeline of each event"
              required
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
              data-autofocus
            />
            <Failure error={start.error} />
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button type="submit" color="red" disabled={reason.trim() === ''} loading={start.isPending}>
                Discard {letters === 1 ? 'it' : count(letters)}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
