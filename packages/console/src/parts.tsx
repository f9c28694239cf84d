/** Small things that every page is made of. */
import {
  Alert,
  Anchor,
  Badge,
  Button,
  Center,
  Group,
  Skeleton,
  Stack,
  Text,
  Title,
  Tooltip,
} from '@mantine/core';
import type { ReactNode } from 'react';
import { useState } from 'react';
import { Link } from 'wouter';
import type { Fate } from './api.ts';
import { count, exact, pretty, relative } from './format.ts';
import { useNow } from './live.ts';

/** Relative, with the exact instant on hover and for screen readers. */
export function Time({ at }: { readonly at: number }) {
  const now = useNow();
  return (
    <Tooltip label={exact(at)}>
      <time dateTime={new Date(at).toISOString()} style={{ whiteSpace: 'nowrap' }}>
        {relative(at, now)}
      </time>
    </Tooltip>
  );
}

export function To({
  href,
  children,
  mono,
}: {
  readonly href: string;
  readonly children: ReactNode;
  readonly mono?: boolean;
}) {
  return (
    <Anchor component={Link} href={href} className={mono ? 'mono' : undefined} inherit>
      {children}
    </Anchor>
  );
}

const FATES: Readonly<Record<string, { color: string; text: string }>> = {
  Succeeded: { color: 'green', text: 'Succeeded' },
  DeadLettered: { color: 'red', text: 'Dead-lettered' },
  SentToDestination: { color: 'orange', text: 'Sent to destination' },
  Discarded: { color: 'gray', text: 'Discarded' },
};

export function FateBadge({ fate }: { readonly fate?: Fate }) {
  const { color, text } = fate
    ? (FATES[fate.kind] ?? { color: 'gray', text: fate.kind })
    : { color: 'blue', text: 'Pending' };
  return <Tag color={color}>{text}</Tag>;
}

/** A word in a coloured frame; readable in both schemes. */
export function Tag({ color, children }: { readonly color: string; readonly children: ReactNode }) {
  return (
    <Badge
      tt="none"
      fw={500}
      variant="default"
      leftSection={
        <span
          className="dot"
          style={{ background: `var(--mantine-color-${color}-6)`, display: 'block', width: 8, height: 8 }}
        />
      }
    >
      {children}
    </Badge>
  );
}

export function Page({
  title,
  lead,
  actions,
  children,
}: {
  readonly title: ReactNode;
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start" gap="sm">
        <div style={{ minWidth: 0 }}>
          <Title order={1} size="h2" style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {lead && (
            <Text className="muted" size="sm" component="div">
              {lead}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

export function Section({
  title,
  actions,
  children,
}: {
  readonly title?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <section>
      {title && (
        <Group justify="space-between" mb={6} gap="xs">
          <Title order={2} size="h5">
            {title}
          </Title>
          {actions}
        </Group>
      )}
      <div className="surface">{children}</div>
    </section>
  );
}

export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <Center p="xl">
      <Stack gap={4} align="center" maw={520}>
        <Text fw={600}>{title}</Text>
        {children && (
          <Text className="muted" size="sm" ta="center" component="div">
            {children}
          </Text>
        )}
      </Stack>
    </Center>
  );
}

/** What a query gave: its data, or that it is on its way, or why it failed. */
export function Loaded<T>({
  query,
  children,
  rows = 4,
}: {
  readonly query: {
    readonly data: T | undefined;
    readonly error: Error | null;
    readonly refetch: () => unknown;
  };
  readonly children: (data: T) => ReactNode;
  readonly rows?: number;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) {
    return (
      <Alert color="red" variant="default" title="This could not be read" m="md" role="alert">
        <Stack gap="xs" align="flex-start">
          <span>{query.error.message}</span>
          <Button size="xs" variant="default" onClick={() => query.refetch()}>
            Try again
          </Button>
        </Stack>
      </Alert>
    );
  }
  return (
    <Stack gap="xs" p="md" aria-busy="true" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => (
        <Skeleton key={i} height={18} />
      ))}
    </Stack>
  );
}

export function Stat({
  label,
  value,
  href,
  hint,
  color,
}: {
  readonly label: string;
  readonly value: ReactNode;
  readonly href?: string;
  readonly hint?: ReactNode;
  readonly color?: string;
}) {
  const shown = typeof value === 'number' ? count(value) : value;
  return (
    <div className="surface stat">
      <Text size="sm" className="muted">
        {label}
      </Text>
      <div className="stat-value" style={color ? { color } : undefined}>
        {href ? <To href={href}>{shown}</To> : shown}
      </div>
      {hint && (
        <Text size="xs" className="muted" component="div">
          {hint}
        </Text>
      )}
    </div>
  );
}

/** Scrolls, and so can be reached from the keyboard. */
export function Scroll({
  label,
  className,
  maxHeight,
  children,
}: {
  readonly label: string;
  readonly className?: string;
  readonly maxHeight?: string;
  readonly children: ReactNode;
}) {
  return (
    <section
      className={className}
      aria-label={label}
      style={maxHeight ? { maxHeight, overflow: 'auto', padding: '8px 0' } : undefined}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scroll container takes keys only when it has the focus
      tabIndex={0}
    >
      {children}
    </section>
  );
}

const SHOWN_AT_ONCE = 20_000;

/** Any text, however long or hostile: it is only ever text, and long ones begin short. */
export function TextBlock({
  text,
  label,
  json = false,
}: {
  readonly text: string;
  readonly label: string;
  readonly json?: boolean;
}) {
  const [whole, setWhole] = useState(false);
  const formatted = json && text.length < 2_000_000 ? pretty(text).text : text;
  const long = formatted.length > SHOWN_AT_ONCE;
  return (
    <>
      <Scroll label={label} className="text-block">
        {long && !whole ? formatted.slice(0, SHOWN_AT_ONCE) : formatted}
      </Scroll>
      {long && (
        <Group p="xs" gap="sm">
          <Text size="sm" className="muted">
            {whole
              ? `${count(formatted.length)} characters`
              : `The first ${count(SHOWN_AT_ONCE)} of ${count(formatted.length)} characters`}
          </Text>
          <Button size="compact-xs" variant="default" onClick={() => setWhole(!whole)}>
            {whole ? 'Show less' : 'Show all'}
          </Button>
        </Group>
      )}
    </>
  );
}

/** A failed action, said where it was asked for. */
export function Failure({ error }: { readonly error: Error | null }) {
  if (!error) return null;
  return (
    <Alert color="red" variant="default" role="alert">
      {error.message}
    </Alert>
  );
}
