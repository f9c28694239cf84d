/** Who is logged in, where the server asks for it. An open server asks nobody. */
import {
  Alert,
  Button,
  Center,
  Menu,
  Paper,
  PasswordInput,
  Skeleton,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { ApiError, get, post, setCsrf } from './api.ts';

export interface Session {
  readonly auth: 'open' | 'keys';
  readonly operator?: string;
  readonly role: 'operator' | 'viewer';
  readonly csrf?: string;
}

export function useSession() {
  return useQuery({
    queryKey: ['session'],
    queryFn: async () => {
      const session = await get<Session>('session');
      setCsrf(session.csrf);
      return session;
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** False for those who may only look: then buttons that change something are off. */
export function useMayAct(): boolean {
  return useSession().data?.role === 'operator';
}

export function LoginGate({ children }: { readonly children: ReactNode }) {
  const session = useSession();
  if (session.data) return children;
  if (session.error instanceof ApiError && session.error.status === 401) return <Login />;
  if (session.error) {
    return (
      <Center h="100vh" p="md">
        <Alert color="red" variant="default" title="The server cannot be reached" role="alert">
          <Stack gap="xs" align="flex-start">
            {session.error.message}
            <Button variant="default" size="xs" onClick={() => session.refetch()}>
              Try again
            </Button>
          </Stack>
        </Alert>
      </Center>
    );
  }
  return <Skeleton h="100vh" aria-label="Loading" />;
}

function Login() {
  const client = useQueryClient();
  const [id, setId] = useState('');
  const [secret, setSecret] = useState('');
  const login = useMutation({
    mutationFn: () => post<Session>('session', { accessKeyId: id.trim(), secretAccessKey: secret.trim() }),
    onSuccess: () => client.invalidateQueries(),
  });
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder p="lg" w={380}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            login.mutate();
          }}
        >
          <Stack>
            <Title order={1} size="h3">
              Log in to Redrive
            </Title>
            <Text size="sm" className="muted">
              With an access key of this server. The operator's own is in the file <code>credentials</code> of
              its data folder.
            </Text>
            <TextInput
              label="Access key id"
              value={id}
              onChange={(event) => setId(event.currentTarget.value)}
              autoComplete="username"
              required
              data-autofocus
            />
            <PasswordInput
              label="Secret access key"
              value={secret}
              onChange={(event) => setSecret(event.currentTarget.value)}
              autoComplete="current-password"
              required
            />
            {login.error && (
              <Alert color="red" variant="default" role="alert">
                {login.error.message}
              </Alert>
            )}
            <Button type="submit" loading={login.isPending}>
              Log in
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}

export function AccountMenu() {
  const { data } = useSession();
  const client = useQueryClient();
  const logout = useMutation({
    mutationFn: () => post('session/end'),
    onSettled: () => client.resetQueries(),
  });
  if (data?.auth !== 'keys') return null;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" size="xs">
          {data.operator}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{data.role === 'viewer' ? 'May look, not act' : 'May look and act'}</Menu.Label>
        <Menu.Item onClick={() => logout.mutate()}>Log out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
