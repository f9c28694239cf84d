/** The frame around every page: navigation, search, keys, colour scheme, and whether the view is live. */
import {
  ActionIcon,
  AppShell,
  Burger,
  Group,
  Kbd,
  Modal,
  NavLink,
  Skeleton,
  Table,
  Text,
  TextInput,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure, useHotkeys } from '@mantine/hooks';
import { lazy, type ReactNode, Suspense, useEffect, useRef, useState } from 'react';
import { Link, Route, Switch, useLocation } from 'wouter';
import { AccountMenu, LoginGate } from './account.tsx';
import { query } from './api.ts';
import { useLive } from './live.ts';
import { OverviewPage } from './pages/overview.tsx';
import { Empty, Page, Tag, To } from './parts.tsx';

const FunctionsPage = lazy(() => import('./pages/functions.tsx'));
const FunctionPage = lazy(() => import('./pages/function.tsx'));
const EventsPage = lazy(() => import('./pages/events.tsx'));
const EventPage = lazy(() => import('./pages/event.tsx'));
const DeadLettersPage = lazy(() => import('./pages/dead-letters.tsx'));
const WorkbenchPage = lazy(() => import('./pages/workbench.tsx'));
const LetterPage = lazy(() => import('./pages/letter.tsx'));
const QueuesPage = lazy(() => import('./pages/queues.tsx'));
const QueuePage = lazy(() => import('./pages/queue.tsx'));
const TopicsPage = lazy(() => import('./pages/topics.tsx'));
const AlarmsPage = lazy(() => import('./pages/alarms.tsx'));
const LogsPage = lazy(() => import('./pages/logs.tsx'));
const JobsPage = lazy(() => import('./pages/jobs.tsx'));
const AuditPage = lazy(() => import('./pages/audit.tsx'));

const PLACES = [
  { href: '/', label: 'Overview', key: 'o' },
  { href: '/events', label: 'Events', key: 'e' },
  { href: '/dead-letters', label: 'Dead letters', key: 'd' },
  { href: '/functions', label: 'Functions', key: 'f' },
  { href: '/queues', label: 'Queues', key: 'q' },
  { href: '/topics', label: 'Topics', key: 't' },
  { href: '/alarms', label: 'Alarms', key: 'm' },
  { href: '/logs', label: 'Logs', key: 'l' },
  { href: '/jobs', label: 'Redrives', key: 'r' },
  { href: '/audit', label: 'Audit trail', key: 'a' },
] as const;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function App() {
  return (
    <LoginGate>
      <Frame />
    </LoginGate>
  );
}

function Frame() {
  const [opened, { toggle, close }] = useDisclosure();
  const [helpOpened, help] = useDisclosure();
  const [location, navigate] = useLocation();
  const search = useRef<HTMLInputElement>(null);
  const connection = useLive();
  useGoKeys(navigate, help.open);
  useHotkeys([['/', () => search.current?.focus()]]);
  useEffect(() => {
    close();
    window.scrollTo(0, 0);
  }, [location]);
  const place = PLACES.findLast(({ href }) => (href === '/' ? location === '/' : location.startsWith(href)));
  useEffect(() => {
    document.title = place ? `${place.label} · Redrive` : 'Redrive';
  }, [place]);

  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 200, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding="md"
    >
      <a className="skip" href="#main">
        Skip to content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" gap="md" wrap="nowrap">
          <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
          <Link href="/" style={{ color: 'inherit', textDecoration: 'none' }} aria-label="Redrive, overview">
            <Group gap={8} wrap="nowrap">
              <img src="/_redrive/icon.svg" alt="" width={24} height={24} />
              <Text fw={700} visibleFrom="xs">
                Redrive
              </Text>
            </Group>
          </Link>
          <Search inputRef={search} navigate={navigate} />
          <Group gap="xs" wrap="nowrap" ml="auto">
            <Live connection={connection} />
            <Tooltip label="Keyboard shortcuts">
              <ActionIcon variant="default" aria-label="Keyboard shortcuts" onClick={help.open}>
                ?
              </ActionIcon>
            </Tooltip>
            <SchemeSwitch />
            <AccountMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Main">
        {PLACES.map(({ href, label, key }) => (
          <NavLink
            key={href}
            component={Link}
            href={href}
            label={label}
            active={place?.href === href}
            aria-current={place?.href === href ? 'page' : undefined}
            variant="light"
            rightSection={
              <Text size="xs" className="muted mono" aria-hidden visibleFrom="sm">
                g {key}
              </Text>
            }
          />
        ))}
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} style={{ outline: 'none' }}>
        <Suspense fallback={<Skeleton height={240} aria-label="Loading" />}>
          <Pages />
        </Suspense>
      </AppShell.Main>
      <Modal opened={helpOpened} onClose={help.close} title="Keyboard shortcuts">
        <Table>
          <Table.Tbody>
            <Key what="Search">
              <Kbd>/</Kbd>
            </Key>
            {PLACES.map(({ key, label }) => (
              <Key key={key} what={label}>
                <Kbd>g</Kbd> <Kbd>{key}</Kbd>
              </Key>
            ))}
            <Key what="Dark or light">
              <Kbd>Ctrl</Kbd> <Kbd>J</Kbd>
            </Key>
            <Key what="These shortcuts">
              <Kbd>?</Kbd>
            </Key>
          </Table.Tbody>
        </Table>
      </Modal>
    </AppShell>
  );
}

function Pages() {
  return (
    <Switch>
      <Route path="/" component={OverviewPage} />
      <Route path="/functions" component={FunctionsPage} />
      <Route path="/functions/:name">{({ name }) => <FunctionPage name={name} />}</Route>
      <Route path="/events" component={EventsPage} />
      <Route path="/events/:id">{({ id }) => <EventPage id={id} />}</Route>
      <Route path="/dead-letters" component={DeadLettersPage} />
      <Route path="/dead-letters/:queue">{({ queue }) => <WorkbenchPage key={queue} queue={queue} />}</Route>
      <Route path="/dead-letters/:queue/:ref">
        {({ queue, ref }) => <LetterPage key={ref} queue={queue} letterRef={ref} />}
      </Route>
      <Route path="/queues" component={QueuesPage} />
      <Route path="/queues/:name">{({ name }) => <QueuePage name={name} />}</Route>
      <Route path="/topics" component={TopicsPage} />
      <Route path="/alarms" component={AlarmsPage} />
      <Route path="/logs" component={LogsPage} />
      <Route path="/jobs" component={JobsPage} />
      <Route path="/audit" component={AuditPage} />
      <Route>
        <Page title="Nothing here">
          <Empty title="There is no such page">
            <To href="/">Back to the overview</To>
          </Empty>
        </Page>
      </Route>
    </Switch>
  );
}

function Search({
  inputRef,
  navigate,
}: {
  readonly inputRef: React.RefObject<HTMLInputElement | null>;
  readonly navigate: (to: string) => void;
}) {
  const [text, setText] = useState('');
  return (
    <search style={{ flex: 1, maxWidth: 460 }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const wanted = text.trim();
          if (wanted === '') return;
          navigate(
            UUID.test(wanted) ? `/events/${wanted.toLowerCase()}` : `/events${query({ text: wanted })}`,
          );
          setText('');
          inputRef.current?.blur();
        }}
      >
        <TextInput
          ref={inputRef}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
          placeholder="Request id, or text in a payload"
          aria-label="Search events by request id or text in the payload"
          rightSection={<Kbd size="xs">/</Kbd>}
          rightSectionPointerEvents="none"
        />
      </form>
    </search>
  );
}

function Live({ connection }: { readonly connection: ReturnType<typeof useLive> }) {
  const [color, text, label] = {
    live: ['green', 'Live', 'What you see is kept up to date'],
    connecting: ['gray', 'Connecting', 'Waiting for the server'],
    lost: ['red', 'Disconnected', 'The server does not answer; trying again'],
  }[connection] as [string, string, string];
  return (
    <Tooltip label={label}>
      <output>
        <Tag color={color}>{text}</Tag>
      </output>
    </Tooltip>
  );
}

function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <Tooltip label={`Switch to ${other}`}>
      <ActionIcon
        variant="default"
        aria-label={`Switch to ${other} colours`}
        onClick={() => setColorScheme(other)}
      >
        <span aria-hidden>{scheme === 'dark' ? '☀' : '☾'}</span>
      </ActionIcon>
    </Tooltip>
  );
}

function Key({ what, children }: { readonly what: string; readonly children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Td>{what}</Table.Td>
      <Table.Td ta="right">{children}</Table.Td>
    </Table.Tr>
  );
}

const GO_MS = 1_200;

/** `g` and then a letter goes to a place, `?` shows the keys, unless somebody is typing. */
function useGoKeys(navigate: (to: string) => void, showKeys: () => void): void {
  useEffect(() => {
    let pressedAt = 0;
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const typing = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'g') {
        pressedAt = event.timeStamp;
        return;
      }
      // By character: where the question mark lies differs from keyboard to keyboard.
      if (event.key === '?') showKeys();
      const place = PLACES.find(({ key }) => key === event.key);
      if (place && event.timeStamp - pressedAt < GO_MS) {
        event.preventDefault();
        navigate(place.href);
      }
      pressedAt = 0;
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [navigate, showKeys]);
}
