/** One dead letter: why it is one, what it carries; edit it, try it, send it again, discard it. */
import { Button, Code, Group, SimpleGrid, Skeleton, Stack, Table, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { useLocation } from 'wouter';
import { useMayAct } from '../account.tsx';
import { get, type Letter, post, put } from '../api.ts';
import { losesDigits, pretty } from '../format.ts';
import { DiscardButton, RedriveButton } from '../letter-actions.tsx';
import { Empty, Failure, Loaded, Page, Section, Tag, TextBlock, Time, To } from '../parts.tsx';
import { TargetLink } from '../target-link.tsx';

const Editor = lazy(() => import('../editor.tsx'));
/** What an editor in a page takes without becoming slow. */
const EDITABLE = 1_048_576;

const KINDS: Readonly<Record<Letter['kind'], string>> = {
  function: 'Event of a function',
  record: 'Record of a failure destination',
  queue: 'Message of a queue',
  notification: 'Notification of a topic',
  other: 'Message',
};

export default function LetterPage({
  queue,
  letterRef,
}: {
  readonly queue: string;
  readonly letterRef: string;
}) {
  const letter = useQuery({
    queryKey: ['letters', queue, 'one', letterRef],
    queryFn: () => get<Letter>(`dead-letters/${queue}/messages/${letterRef}`),
  });
  if (letter.error && 'status' in letter.error && letter.error.status === 404) {
    return (
      <Page title="This letter is not here any more">
        <Section>
          <Empty title="Redriven, discarded, edited or received">
            <To href={`/dead-letters/${queue}`}>Back to {queue}</To> · <To href="/audit">Audit trail</To>
          </Empty>
        </Section>
      </Page>
    );
  }
  return (
    <Loaded query={letter} rows={8}>
      {(data) => <Shown queue={queue} letter={data} />}
    </Loaded>
  );
}

function Shown({ queue, letter }: { readonly queue: string; readonly letter: Letter }) {
  const [, navigate] = useLocation();
  const selection = { kind: 'messages' as const, refs: [letter.ref] };
  const back = () => navigate(`/dead-letters/${queue}`);
  return (
    <Page
      title={`${letter.errorType}: ${letter.errorMessage || 'no message'}`.slice(0, 300)}
      lead={
        <Group gap="xs">
          <span>
            {KINDS[letter.kind]} in <To href={`/dead-letters/${queue}`}>{queue}</To>
          </span>
          <span>
            dead since <Time at={letter.deadLetteredAt} />
          </span>
          {letter.edited && <Tag color="blue">edited</Tag>}
          {letter.held && <Tag color="gray">held by a consumer</Tag>}
        </Group>
      }
      actions={
        <>
          <DiscardButton
            queue={queue}
            selection={selection}
            letters={1}
            what="this letter"
            onStarted={back}
          />
          <RedriveButton
            queue={queue}
            selection={selection}
            letters={1}
            what="this letter"
            onStarted={back}
          />
        </>
      }
    >
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <PayloadSection queue={queue} letter={letter} />
        <Stack gap="md" miw={0}>
          <Section title="Why it is here">
            <Table>
              <Table.Tbody>
                <Fact name="Event">
                  {letter.requestId && (
                    <To href={`/events/${letter.requestId}`} mono>
                      {letter.requestId}
                    </To>
                  )}
                </Fact>
                <Fact name="Came from">
                  {letter.origin &&
                    ('functionName' in letter.origin ? (
                      <To href={`/functions/${letter.origin.functionName}`}>
                        {[letter.origin.functionName, letter.origin.qualifier].filter(Boolean).join(':')}
                      </To>
                    ) : (
                      <TargetLink arn={letter.origin.arn} />
                    ))}
                </Fact>
                <Fact name="Failed version">{letter.version}</Fact>
                <Fact name="Condition">{letter.condition}</Fact>
                <Fact name="Attempts">{letter.attempts}</Fact>
                <Fact name="Status">{letter.statusCode}</Fact>
                <Fact name="Own code">
                  {letter.frames.length > 0 && (
                    <Code block bg="transparent" p={0}>
                      {letter.frames.map((frame) => `at ${frame}`).join('\n')}
                    </Code>
                  )}
                </Fact>
                <Fact name="Times received">{letter.receiveCount}</Fact>
                <Fact name="Message id">
                  <span className="mono">{letter.messageId}</span>
                </Fact>
                {Object.entries(letter.messageAttributes).map(([name, value]) => (
                  <Fact key={name} name={name}>
                    <span style={{ overflowWrap: 'anywhere' }}>{attributeText(value)}</span>
                  </Fact>
                ))}
                {letter.edits.map((edit) => (
                  <Fact key={edit.at} name="Edited">
                    <Time at={edit.at} /> by {edit.by}
                  </Fact>
                ))}
              </Table.Tbody>
            </Table>
          </Section>
        </Stack>
      </SimpleGrid>
    </Page>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  if (children === undefined || children === false || children === '') return null;
  return (
    <Table.Tr>
      <Table.Th w={140} fw={500} className="muted" style={{ overflowWrap: 'anywhere', whiteSpace: 'normal' }}>
        {name}
      </Table.Th>
      <Table.Td>{children}</Table.Td>
    </Table.Tr>
  );
}

function attributeText(value: unknown): string {
  const { StringValue, BinaryValue } = value as { StringValue?: string; BinaryValue?: string };
  return StringValue ?? (BinaryValue === undefined ? JSON.stringify(value) : `${BinaryValue} (base64)`);
}

interface Tried {
  readonly outcome: string;
  readonly response?: string;
  readonly errorType?: string;
  readonly errorMessage?: string;
  readonly executedVersion?: string;
  readonly durationMs?: number;
  readonly log?: string;
}

function PayloadSection({ queue, letter }: { readonly queue: string; readonly letter: Letter }) {
  const mayAct = useMayAct();
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const [draft, setDraft] = useState<string>();
  const [qualifier, setQualifier] = useState('');
  // Printing JSON anew would change numbers that are too long for JavaScript: then it is edited as it is.
  const printed = losesDigits(letter.payload) ? letter.payload : pretty(letter.payload).text;
  const changed = draft !== undefined && draft !== printed;
  const at = `dead-letters/${queue}/messages/${letter.ref}`;
  const save = useMutation({
    mutationFn: () => put<Letter>(`${at}/payload`, { payload: draft }),
    onSuccess: (edited) => {
      client.setQueryData(['letters', queue, 'one', edited.ref], edited);
      setDraft(undefined);
      navigate(`/dead-letters/${queue}/${edited.ref}`, { replace: true });
    },
  });
  const tryOut = useMutation({
    mutationFn: () =>
      post<Tried>(`${at}/try`, {
        payload: changed ? draft : undefined,
        qualifier: qualifier.trim() || undefined,
      }),
  });
  return (
    <Stack gap="md" miw={0}>
      <Section
        title={letter.edited && draft === undefined ? 'Payload, and what was changed' : 'Payload'}
        actions={
          draft === undefined ? (
            <Button
              size="compact-sm"
              variant="default"
              disabled={!mayAct || letter.held || letter.payload.length > EDITABLE}
              onClick={() => setDraft(printed)}
            >
              Edit
            </Button>
          ) : (
            <Group gap={6}>
              <Button size="compact-sm" variant="default" onClick={() => setDraft(undefined)}>
                Cancel
              </Button>
              <Button
                size="compact-sm"
                disabled={!changed}
                loading={save.isPending}
                onClick={() => save.mutate()}
              >
                Save
              </Button>
            </Group>
          )
        }
      >
        {draft !== undefined ? (
          <Suspense fallback={<Skeleton height={200} />}>
            <Editor value={printed} original={printed} onChange={setDraft} label="Payload" />
          </Suspense>
        ) : letter.original !== undefined && letter.payload.length < EDITABLE ? (
          <Suspense fallback={<Skeleton height={200} />}>
            <Editor value={printed} original={pretty(letter.original).text} label="Payload" readOnly />
          </Suspense>
        ) : (
          <TextBlock text={letter.payload} label="Payload" json={!losesDigits(letter.payload)} />
        )}
        {save.error && (
          <div style={{ padding: 12 }}>
            <Failure error={save.error} />
          </div>
        )}
      </Section>
      <Section title="Try it">
        <Stack p="sm" gap="sm">
          <Text size="sm" className="muted">
            Runs the function with this payload{changed ? ', as edited and not yet saved' : ''}. The letter
            stays where it is; what the function does is real.
          </Text>
          <Group gap="xs" align="flex-end">
            <TextInput
              label="Version or alias"
              placeholder={letter.version ?? '$LATEST'}
              value={qualifier}
              onChange={(event) => setQualifier(event.currentTarget.value)}
            />
            <Button
              variant="default"
              disabled={!mayAct}
              loading={tryOut.isPending}
              onClick={() => tryOut.mutate()}
            >
              Try
            </Button>
          </Group>
          <Failure error={tryOut.error} />
          {tryOut.data && <TryResult tried={tryOut.data} />}
        </Stack>
      </Section>
    </Stack>
  );
}

function TryResult({ tried }: { readonly tried: Tried }) {
  const ok = tried.outcome === 'succeeded';
  return (
    <Stack gap="xs" role="status">
      <Group gap="xs">
        <Tag color={ok ? 'green' : 'red'}>{ok ? 'It works' : 'It fails'}</Tag>
        <Text size="sm" className="muted">
          {[
            tried.executedVersion && `version ${tried.executedVersion}`,
            tried.durationMs !== undefined && `${tried.durationMs} ms`,
          ]
            .filter(Boolean)
            .join(' · ')}
        </Text>
      </Group>
      {!ok && (
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {[tried.errorType, tried.errorMessage].filter(Boolean).join(': ') || tried.outcome}
        </Text>
      )}
      {tried.response !== undefined && <TextBlock text={tried.response} label="Response" json />}
      {tried.log && <TextBlock text={tried.log} label="Log" />}
    </Stack>
  );
}
